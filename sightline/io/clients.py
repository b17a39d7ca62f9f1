"""Producers and consumers that find Kafka again after all of its brokers went away.

librdkafka 2.10 to 2.16 forgets every broker, its bootstrap servers too, once it is told of topics but of no brokers
(its issue 5301). So answers a broker that is shut down where no other is left to lead; a lone one does at every other
restart. Such a client has nobody to ask any more, and reports no error. Here its statistics are looked at, and one
that knows no broker is told its bootstrap servers again.
"""

import ctypes
import logging
import time
from collections.abc import Callable, Collection
from typing import Any, TypeVar

import msgspec
from confluent_kafka import Consumer, Producer, cimpl
from confluent_kafka import version as client_version

log = logging.getLogger(__name__)

STATISTICS_MS = 3_000
"""How often a client is looked at where it is polled. Statistics of a client that nobody polls pile up."""

SILENT_S = 3.0

KNOWN_MAJOR = "2"
"""confluent-kafka whose clients begin with the pointer to librdkafka's handle."""

Client = TypeVar("Client", Producer, Consumer)


class _Broker(msgspec.Struct):
    source: str


class _Statistics(msgspec.Struct):
    """The part that is read of https://github.com/confluentinc/librdkafka/blob/master/STATISTICS.md."""

    brokers: dict[str, _Broker]

    @property
    def knows_brokers(self) -> bool:
        """Others are librdkafka's own: "logical" is whoever coordinates the group."""
        return any(each.source in ("configured", "learned") for each in self.brokers.values())


_decode = msgspec.json.Decoder(_Statistics).decode


def producer(config: dict[str, Any]) -> Producer:
    """It has to be polled now and then, also while nothing is produced."""
    return _make(Producer, config)


def consumer(config: dict[str, Any]) -> Consumer:
    """It has to be polled now and then, also while nothing is assigned."""
    return _make(Consumer, config)


def _make(kind: Callable[[dict[str, Any]], Client], config: dict[str, Any]) -> Client:
    if str(client_version()).partition(".")[0] != KNOWN_MAJOR:
        return kind(config)
    made: list[Client] = []
    servers = str(config["bootstrap.servers"])

    def look(statistics: str) -> None:
        """Runs where the client is polled."""
        if made and not _decode(statistics).knows_brokers:
            log.warning("a client had forgotten all brokers", extra={"told": add_brokers(made[0], servers)})

    made.append(kind({"statistics.interval.ms": STATISTICS_MS, "stats_cb": look} | config))
    return made[0]


class Silence:
    """For a client that is used now and then: while it is waited for in vain, it is told of its brokers again."""

    def __init__(self, client: Producer | Consumer, servers: str) -> None:
        self._client, self._servers = client, servers
        self._heard_s = time.monotonic()

    def heard(self, what: Collection[object]) -> None:
        """What has come of it since the last call."""
        now_s = time.monotonic()
        if what:
            self._heard_s = now_s
        elif now_s - self._heard_s > SILENT_S:
            self._heard_s = now_s
            add_brokers(self._client, self._servers)


def add_brokers(client: Producer | Consumer, servers: str) -> int:
    """Tell an open client of brokers; returns how many it did not know. confluent-kafka has no call for it."""
    handle = ctypes.c_void_p.from_address(id(client) + object.__basicsize__)
    return int(_library.rd_kafka_brokers_add(handle, servers.encode())) if handle.value else 0


# Symbols of what confluent-kafka was linked with are found by its own module.
_library = ctypes.CDLL(cimpl.__file__)
_library.rd_kafka_brokers_add.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
_library.rd_kafka_brokers_add.restype = ctypes.c_int
