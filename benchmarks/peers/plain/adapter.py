"""No engine: a plain Python program with confluent-kafka and msgspec, without commits or state; one partition."""

import sys
from functools import partial
from importlib.metadata import version

from benchmarks.peers.engine import Argv, Engine, Job


def _version() -> str:
    return f"confluent-kafka {version('confluent-kafka')}, msgspec {version('msgspec')}"


def _commands(module: str, job: Job) -> list[Argv]:
    return [[sys.executable, "-m", f"benchmarks.peers.plain.{module}", *job.arguments]]


YSB = [Engine("plain", _version, lambda: None, partial(_commands, "ysb"), partitions_max=1)]
JOIN = [Engine("plain", _version, lambda: None, partial(_commands, "join"))]
