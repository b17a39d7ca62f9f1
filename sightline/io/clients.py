"""Producers and consumers that find Kafka again after all of its brokers went away.

librdkafka 2.10 to 2.16 forgets every broker, its bootstrap servers too, once it is told of topics but of no brokers
(its issue 5301). So answers a broker that is shut down where no other is left to lead; a lone one does at every other
restart. Such a client has nobody to ask any more, and reports no error. One that knows no broker is told its bootstrap
servers again: its statistics show that.
"""

import ctypes
import logging
import time
from collections.abc import Collection
from functools import partial
from typing import Any

import confluent_kafka
import msgspec
from confluent_kafka import cimpl

from sightline.scheduling import waiting_their_turn

log = logging.getLogger(__name__)

STATISTICS_MS = 3_000
"""How often a client is looked at, where it is polled."""

SILENT_S = 3.0
"""How long one is waited for in vain before it is told of its brokers."""

KNOWN_MAJOR = "2"
"""confluent-kafka whose clients begin with the pointer to librdkafka's handle."""


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


class Producer(confluent_kafka.Producer):  # type: ignore[misc]
    """It has to be polled now and then, also while nothing is produced: statistics that nobody takes pile up."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.servers = str(config["bootstrap.servers"])
        with waiting_their_turn():
            super().__init__(config | {"statistics.interval.ms": STATISTICS_MS, "stats_cb": partial(_look, self)})


class Consumer(confluent_kafka.Consumer):  # type: ignore[misc]
    """It has to be polled now and then, also while nothing is assigned, unless it is `seldom` used: see `Silence`."""

    def __init__(self, config: dict[str, Any], seldom: bool = False) -> None:
        self.servers = str(config["bootstrap.servers"])
        often = {} if seldom else {"statistics.interval.ms": STATISTICS_MS, "stats_cb": partial(_look, self)}
        super().__init__(config | often)


def _look(client: Producer | Consumer, statistics: str) -> None:
    """Called where the client is polled."""
    if not _decode(statistics).knows_brokers:
        log.warning("a client had forgotten all brokers", extra={"told": remind(client)})


class Silence:
    """While a client is waited for in vain it is told of its brokers again."""

    def __init__(self, client: Producer | Consumer) -> None:
        self._client, self._heard_s = client, time.monotonic()

    def heard(self, what: Collection[object]) -> None:
        """What has come of it since the last call."""
        now_s = time.monotonic()
        if what:
            self._heard_s = now_s
        elif now_s - self._heard_s > SILENT_S:
            self._heard_s = now_s
            remind(self._client)


def remind(client: Producer | Consumer) -> int:
    """Tell an open client its bootstrap servers; returns how many it did not know.

    confluent-kafka has no call for it.
    """
    if confluent_kafka.__version__.partition(".")[0] != KNOWN_MAJOR:
        return 0
    handle = ctypes.c_void_p.from_address(id(client) + object.__basicsize__)
    return int(_library.rd_kafka_brokers_add(handle, client.servers.encode())) if handle.value else 0


# Symbols of what confluent-kafka was linked with are found by its own module.
_library = ctypes.CDLL(cimpl.__file__)
_library.rd_kafka_brokers_add.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
_library.rd_kafka_brokers_add.restype = ctypes.c_int
