"""Put YSB's ads and events into topics."""

import json
from collections import Counter

from confluent_kafka import Producer

from benchmarks.peers.rig import Rig
from benchmarks.ysb.events import Counts, Generator

CLOSING_MS = 120_000
"""How long after the last window the closing events lie: more than any engine waits for late rows."""

TRICKLE = 4
"""Campaigns in each later sweep of closing events."""


class Topic:
    """A topic of the first `count` events, the closing events, and the counts that are true of it."""

    def __init__(self, rig: Rig, generator: Generator, count: int, partitions: int) -> None:
        self.name, self.count, self.partitions = f"events-{count}", count, partitions
        self.truth: Counts = Counter()
        self._generator = generator
        self._producer = producer(rig.bootstrap_servers)
        rig.create_topic(self.name, partitions)
        self._fill()

    def _fill(self) -> None:
        done = 0
        for chunk in self._generator.chunks(self.count):
            self._send(chunk.values)
            self.truth.update(chunk.views)
            done += len(chunk.values)
            print(f"\rloading {self.name}: {done:,}", end="", flush=True)
        self.close(all_campaigns=True)
        print()

    def _send(self, values: list[bytes]) -> None:
        """To the partitions in turn."""
        produce, partitions = self._producer.produce, self.partitions
        for index, value in enumerate(values):
            produce(self.name, value, partition=index % partitions)
            if not index % 10_000:
                self._producer.poll(0)
        self._producer.flush()

    def close(self, all_campaigns: bool = False) -> None:
        """Event time goes on after the last event, in every partition, in a few records.

        An engine that looks for closed windows only when a record comes needs one after its last look.
        """
        time_ms = self._generator.end_ms(self.count) + CLOSING_MS
        values = self._generator.closing(time_ms) if all_campaigns else self._generator.closing(time_ms, TRICKLE)
        self._send([value for value in values for _ in range(self.partitions)])


def load_ads(rig: Rig, generator: Generator) -> str:
    """The table as a compacted topic: ad id → {"ad_id", "campaign_id"}."""
    name = rig.create_topic("ads", cleanup="compact")
    sender = producer(rig.bootstrap_servers)
    for ad, campaign in generator.ads.items():
        sender.produce(name, json.dumps({"ad_id": ad, "campaign_id": campaign}).encode(), ad)
    sender.flush()
    return name


def producer(bootstrap_servers: str, linger_ms: int = 20) -> Producer:
    return Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "acks": "all",
            "linger.ms": linger_ms,
            "log_level": 2,  # the broker is killed at the end
            "batch.size": 1 << 20,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
