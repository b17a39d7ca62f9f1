"""Flink as a mini cluster in one process: DataStream and SQL for YSB, DataStream for the join."""

from functools import partial

from benchmarks.peers import build
from benchmarks.peers.engine import Argv, Engine, Job


def _version() -> str:
    connector = build.jar_version("flink", "flink-connector-kafka")
    return f"Flink {build.jar_version('flink', 'flink-streaming-java')}, flink-connector-kafka {connector}"


def _commands(main: str, job: Job) -> list[Argv]:
    return [build.java("flink", main, *job.arguments)]


def _engine(name: str, main: str) -> Engine:
    return Engine(name, _version, partial(build.maven, "flink"), partial(_commands, main))


YSB = [_engine("flink-datastream", "YsbDataStream"), _engine("flink-sql", "YsbSql")]
JOIN = [_engine("flink", "Join")]
