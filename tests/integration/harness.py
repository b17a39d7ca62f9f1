"""Real processes of ours, and independent clients (kafka-python) to talk to them."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from tools.services import Service

WAIT_S = 100.0

T = TypeVar("T")


def eventually(condition: Callable[[], T | None], timeout_s: float = WAIT_S, what: str = "the condition") -> T:
    """The first true answer."""
    deadline = time.monotonic() + timeout_s
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"still not so after {timeout_s:.0f} s: {what}"
        time.sleep(0.02)
    return answer


def start(name: str, directory: Path, *flags: object, module: str | None = None) -> Service:
    """A service that may not be ready yet, with a log of its own."""
    return Service(name, directory / f"{name}-{os.urandom(3).hex()}.log", *flags, module=module)


@contextmanager
def service(name: str, directory: Path, *flags: str) -> Iterator[Service]:
    """A ready service that is stopped at the end and must have ended cleanly, unless the test ended it."""
    running = start(name, directory, *flags)
    try:
        running.wait_ready()
        yield running
        ended_before = running.exit_code
        assert ended_before is not None or running.stop() == 0, running.log_tail()
    finally:
        running.kill()


def producer(bootstrap: str) -> KafkaProducer:
    return KafkaProducer(bootstrap_servers=bootstrap, acks="all", max_request_size=32 << 20, linger_ms=0)


def event_headers(event_id: str, **more: str) -> list[tuple[str, bytes]]:
    attributes = {"specversion": "1.0", "id": event_id, "source": "/test", "type": "sightline.image.v1"} | more
    return [("content-type", b"image/jpeg"), *((f"ce_{name}", text.encode()) for name, text in attributes.items())]


class Reader:
    """Everything in a topic from its beginning, read by kafka-python; `committed`: of transactions what counts."""

    def __init__(self, bootstrap: str, topic: str, committed: bool = False) -> None:
        level = "read_committed" if committed else "read_uncommitted"
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap, enable_auto_commit=False, fetch_max_wait_ms=100, isolation_level=level
        )
        eventually(lambda: self._consumer.partitions_for_topic(topic), what=f"topic {topic}")
        self.partitions = sorted(self._consumer.partitions_for_topic(topic))
        self._consumer.assign([TopicPartition(topic, each) for each in self.partitions])
        self._consumer.seek_to_beginning()
        self.records: list[ConsumerRecord] = []

    def poll(self) -> list[ConsumerRecord]:
        for fresh in self._consumer.poll(100).values():
            self.records += fresh
        return self.records

    def until(self, count: int) -> list[ConsumerRecord]:
        """At least so many records; then whatever there is."""
        eventually(lambda: len(self.poll()) >= count, what=f"{count} records")
        return self.records

    def close(self) -> None:
        self._consumer.close()


def headers_of(record: ConsumerRecord) -> dict[str, str]:
    return {name: raw.decode() for name, raw in record.headers}
