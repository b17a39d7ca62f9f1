"""Every engine of each benchmark, by name, in the order of the plots."""

from argparse import ArgumentTypeError
from collections.abc import Iterable

from benchmarks.peers.engine import Engine
from benchmarks.peers.flink import adapter as flink
from benchmarks.peers.kafka_streams import adapter as kafka_streams
from benchmarks.peers.ours import adapter as ours
from benchmarks.peers.plain import adapter as plain
from benchmarks.peers.quix import adapter as quix
from benchmarks.peers.spark import adapter as spark


def _by_name(*engines: Iterable[Engine]) -> dict[str, Engine]:
    return {engine.name: engine for group in engines for engine in group}


YSB = _by_name(ours.YSB, plain.YSB, flink.YSB, kafka_streams.YSB, spark.YSB, quix.YSB)
JOIN = _by_name(ours.JOIN, plain.JOIN, spark.JOIN, kafka_streams.JOIN, flink.JOIN, quix.JOIN)


def chosen(text: str, engines: dict[str, Engine]) -> list[Engine]:
    """Those named in a comma-separated flag. Raises argparse.ArgumentTypeError."""
    names = [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in engines]:
        raise ArgumentTypeError(f"no engine {', '.join(unknown)}; there are {', '.join(engines)}")
    return [engines[name] for name in names]
