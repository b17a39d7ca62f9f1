"""Quix Streams in its own virtual environment, one process a partition."""

import subprocess
from functools import partial

from benchmarks.peers import build
from benchmarks.peers.engine import Argv, Engine, Job


def _prepare() -> None:
    build.venv("quix")


def _version() -> str:
    code = "import quixstreams; print(quixstreams.__version__)"
    python = build.BUILD / "quix" / "bin" / "python"
    return "Quix Streams " + subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()


def _commands(module: str, job: Job) -> list[Argv]:
    python = str(build.BUILD / "quix" / "bin" / "python")
    # As with Kafka Streams, a partition that is read faster makes the other's rows late behind the repartition topic.
    arguments = [*job.arguments, "close" if job.partitions == 1 else "update"]
    return [[python, "-m", f"benchmarks.peers.quix.{module}", *arguments, str(each)] for each in range(job.partitions)]


YSB = [Engine("quix", _version, _prepare, partial(_commands, "ysb"), share=0.25)]
JOIN = [Engine("quix", _version, _prepare, partial(_commands, "join"))]
