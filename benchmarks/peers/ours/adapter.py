"""Ours: the stream joiner as it is deployed, with a pipeline file; one process a partition, in one consumer group."""

import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.peers.engine import Argv, Engine, Job

BENCHMARKS = Path(__file__).parents[2]


def our_version() -> str:
    return f"sightline {version('sightline')}, Python {sys.version.split()[0]}"


def commands(template: Path, job: Job, *, sink_format: str = "json", **more: Any) -> list[Argv]:
    """`template` is a pipeline file with ${EVENTS}, ${TABLE}, ${SINK} and ${FORMAT} in it; `more` are further flags."""
    pipeline = job.directory / "pipeline.yaml"
    text = template.read_text()
    for name, value in {"EVENTS": job.events, "TABLE": job.table, "SINK": job.sink, "FORMAT": sink_format}.items():
        text = text.replace(f"${{{name}}}", value)
    pipeline.write_text(text)
    flags = {
        "pipeline": pipeline.resolve(),
        "bootstrap-servers": job.bootstrap_servers,
        "group": group(job),
        "http-host": "127.0.0.1",
        "http-port": 0,
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    argv = [sys.executable, "-m", "services.stream_joiner", *(f"--{flag}={value}" for flag, value in flags.items())]
    return [argv] * job.partitions


def group(job: Job) -> str:
    """The consumer group."""
    return f"ours-{job.sink}"


def _engine(benchmark: str, name: str = "ours", sink_format: str = "json") -> Engine:
    template = BENCHMARKS / benchmark / "pipeline.yaml"
    return Engine(name, our_version, lambda: None, partial(commands, template, sink_format=sink_format))


YSB = [_engine("ysb")]
JOIN = [_engine("join"), _engine("join", "ours-cloudevents", "cloudevents")]
"""As its peers send it, the row alone; and with the headers that tell copies and origins."""
