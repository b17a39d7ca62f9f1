"""Real processes of ours, and independent clients (kafka-python) to talk to them."""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from tools.processes import Process, free_port

WAIT_S = 60.0


def wait_until(what: str, condition: Callable[[], object], timeout_s: float = WAIT_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"still not so after {timeout_s:.0f} s: {what}"
        time.sleep(0.02)


class Service:
    """`python -m services.<name>` with its own log and HTTP port."""

    def __init__(self, name: str, directory: Path, *flags: str, module: str | None = None) -> None:
        self.http_port = free_port()
        argv = [sys.executable, "-m", module or f"services.{name}", "--http-host", "127.0.0.1"]
        log = directory / f"{name}-{os.urandom(3).hex()}.log"
        self.process = Process(name, [*argv, "--http-port", str(self.http_port), *flags], log)

    def get(self, path: str) -> tuple[int, str]:
        """Status and text; status 0 while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def wait_ready(self) -> "Service":
        self.process.wait_until(lambda: self.get("/readyz")[0] == 200, WAIT_S)
        return self

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name with these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = [line for line in self.get("/metrics")[1].splitlines() if line.startswith(name)]
        found = [line for line in lines if line[len(name)] in "{ " and all(each in line for each in wanted)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in found)

    def logs(self) -> list[dict[str, Any]]:
        lines = self.process.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@contextmanager
def service(name: str, directory: Path, *flags: str) -> Iterator[Service]:
    """A ready service that is stopped at the end and must have ended cleanly, unless the test ended it."""
    running = Service(name, directory, *flags)
    try:
        running.wait_ready()
        yield running
        ended_before = running.process.exit_code
        assert ended_before is not None or running.process.stop() == 0, running.process.log_tail()
    finally:
        running.process.kill()


def producer(bootstrap: str) -> KafkaProducer:
    return KafkaProducer(bootstrap_servers=bootstrap, acks="all", max_request_size=32 << 20, linger_ms=0)


def event_headers(event_id: str, **more: str) -> list[tuple[str, bytes]]:
    attributes = {"specversion": "1.0", "id": event_id, "source": "/test", "type": "sightline.image.v1"} | more
    return [("content-type", b"image/jpeg"), *((f"ce_{name}", text.encode()) for name, text in attributes.items())]


class Reader:
    """Everything in a topic from its beginning, read by kafka-python."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, fetch_max_wait_ms=100)
        wait_until(f"topic {topic}", lambda: self._consumer.partitions_for_topic(topic))
        partitions = [TopicPartition(topic, each) for each in self._consumer.partitions_for_topic(topic)]
        self._consumer.assign(partitions)
        self._consumer.seek_to_beginning()
        self.records: list[ConsumerRecord] = []

    def poll(self) -> list[ConsumerRecord]:
        for fresh in self._consumer.poll(100).values():
            self.records += fresh
        return self.records

    def until(self, count: int) -> list[ConsumerRecord]:
        """At least so many records; then whatever there is."""
        wait_until(f"{count} records", lambda: len(self.poll()) >= count)
        return self.records

    def close(self) -> None:
        self._consumer.close()


def headers_of(record: ConsumerRecord) -> dict[str, str]:
    return {name: raw.decode() for name, raw in record.headers}
