"""What an engine wrote, compared with the truth."""

import json
import time
from datetime import UTC, datetime
from typing import NamedTuple

from confluent_kafka import Consumer, TopicPartition

from benchmarks.ysb.events import Counts


class Arrival(NamedTuple):
    """A window's newest count, and when it came, by both clocks."""

    views: int
    at: float
    at_ms: float


class Sink:
    """Follows a sink topic from its start; the newest record of a window counts."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self.records = 0
        self.arrivals: dict[tuple[str, int], Arrival] = {}
        self._reader = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "sink",
                "enable.auto.commit": False,
                "log_level": 2,
                "fetch.queue.backoff.ms": 5,
            }
        )
        self._reader.assign([TopicPartition(topic, 0, 0)])

    def poll(self, timeout_s: float = 0.1) -> None:
        first = self._reader.poll(timeout_s)
        if first is None:
            return
        for message in [first, *self._reader.consume(10_000, 0)]:
            if message.error():
                continue
            row = json.loads(message.value())
            key = (row["campaign_id"], _milliseconds(row["window_start"]))
            self.arrivals[key] = Arrival(row["views"], time.monotonic(), time.time() * 1000)
            self.records += 1

    def wrong(self, truth: Counts) -> list[tuple[tuple[str, int], int, int]]:
        """Each window that differs, with its true count and the one received (0: none)."""
        return [
            (key, views, got.views if got else 0)
            for key, views in truth.items()
            if (got := self.arrivals.get(key)) is None or got.views != views
        ]

    def last(self, truth: Counts) -> float:
        """When the last of the true windows came; 0 if none has."""
        return max((arrival.at for key, arrival in self.arrivals.items() if key in truth), default=0.0)

    def close(self) -> None:
        self._reader.close()


def _milliseconds(value: int | str) -> int:
    if isinstance(value, int):
        return value
    moment = datetime.fromisoformat(value)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
