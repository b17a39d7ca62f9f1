"""Ours: the stream joiner as it is deployed, with a pipeline file; one process a partition, in one consumer group."""

import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path

from benchmarks.peers.engine import Argv, Engine, Job

BENCHMARKS = Path(__file__).parents[2]


def _version() -> str:
    return f"sightline {version('sightline')}, Python {sys.version.split()[0]}"


def _commands(template: Path, sink_format: str, job: Job) -> list[Argv]:
    pipeline = job.directory / "pipeline.yaml"
    text = template.read_text()
    for name, value in {"EVENTS": job.events, "TABLE": job.table, "SINK": job.sink, "FORMAT": sink_format}.items():
        text = text.replace(f"${{{name}}}", value)
    pipeline.write_text(text)
    flags = {
        "pipeline": pipeline.resolve(),
        "bootstrap-servers": job.bootstrap_servers,
        "group": f"ours-{job.sink}",
        "http-host": "127.0.0.1",
        "http-port": 0,
    }
    argv = [sys.executable, "-m", "services.stream_joiner", *(f"--{flag}={value}" for flag, value in flags.items())]
    return [argv] * job.partitions


def _engine(benchmark: str, name: str = "ours", sink_format: str = "json") -> Engine:
    template = BENCHMARKS / benchmark / "pipeline.yaml"
    return Engine(name, _version, lambda: None, partial(_commands, template, sink_format))


YSB = [_engine("ysb")]
JOIN = [_engine("join"), _engine("join", "ours-cloudevents", "cloudevents")]
"""As its peers send it, the row alone; and with the headers that tell copies and origins."""
