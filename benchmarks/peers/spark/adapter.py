"""Spark structured streaming in local mode: micro-batches, and real-time mode for the join."""

from functools import partial

from benchmarks.peers import build
from benchmarks.peers.engine import Argv, Engine, Job


def _version() -> str:
    return f"Spark {build.jar_version('spark', 'spark-sql_2.13')}"


def _commands(main: str, job: Job, *more: str) -> list[Argv]:
    return [build.java("spark", main, *job.arguments, *more, heap="2g")]


def _real_time(job: Job) -> list[Argv]:
    return _commands("Join", job, "real-time")


_prepare = partial(build.maven, "spark")

YSB = [Engine("spark", _version, _prepare, partial(_commands, "Ysb"))]
JOIN = [
    Engine("spark-real-time", _version, _prepare, _real_time),
    Engine("spark-micro-batch", _version, _prepare, partial(_commands, "Join")),
]
