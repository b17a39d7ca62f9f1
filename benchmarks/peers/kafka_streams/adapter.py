"""Kafka Streams: the DSL and a processor for YSB, the DSL for the join."""

from functools import partial

from benchmarks.peers import build
from benchmarks.peers.engine import Argv, Engine, Job


def _version() -> str:
    return f"Kafka Streams {build.jar_version('kafka_streams', 'kafka-streams')}"


def _emit(job: Job) -> str:
    """Its stream time is the newest of whatever arrives: behind a repartition topic a partition that is read faster
    makes the other's rows late. Closing windows would lose them, so with several partitions counts are updated.
    """
    return "close" if job.partitions == 1 else "update"


def _commands(main: str, job: Job) -> list[Argv]:
    return [build.java("kafka_streams", main, *job.arguments, _emit(job))]


def _engine(name: str, main: str, partitions_max: int = 64) -> Engine:
    prepare = partial(build.maven, "kafka_streams")
    return Engine(name, _version, prepare, partial(_commands, main), partitions_max=partitions_max)


YSB = [
    _engine("kafka-streams-dsl", "YsbDsl"),
    _engine("kafka-streams-processor", "YsbProcessor", partitions_max=1),
]
JOIN = [_engine("kafka-streams", "Join")]
