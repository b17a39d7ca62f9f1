"""What the tests of alerting share: the real process, and a producer and a consumer that nobody here wrote."""

import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from sightline import matches
from sightline.events import Origin
from sightline.ids import match_id
from sightline.io import kafka
from sightline.matches import Match
from sightline.proto import alerts_pb2, alerts_pb2_grpc
from tests.integration.harness import eventually
from tools.processes import free_port
from tools.services import Service

PARTITIONS = 2

_PIPELINE = """\
version: 1
name: find-bond
sources: {{events: {{topic: events}}}}
tables: {{locations: {{topic: locations, key: location_id, columns: {{location_id: string, name: string}}}}}}
query: |
  SELECT e.id, e.camera, l.name AS place, p.label, p.score
  FROM events e JOIN locations l ON e.locationid = l.location_id
  CROSS JOIN LATERAL inline(predict('efficientnet-lite0', e.image)) p
sink: {{topic: {matches}, key: [camera]}}
"""

_RULES = """\
version: 1
rules:
  - name: bond-spotted
    pipeline: find-bond
    severity: critical
    key: [camera]
    cooldown: {cooldown}
    summary: "{{label}} at {{place}} ({{score:.2f}})"
"""


class Topics(NamedTuple):
    matches: str
    alerts: str
    dead: str

    def make(self, bootstrap_servers: str, partitions: int = PARTITIONS) -> None:
        wanted = [kafka.Topic(self.matches, partitions), kafka.Topic(self.alerts, partitions), kafka.Topic(self.dead)]
        kafka.create_topics(kafka.admin(bootstrap_servers), wanted)


def match(number: int, *, camera: str | None = None, time_us: int | None = None, origin: Origin | None = None) -> Match:
    now_us = time.time_ns() // 1000
    camera = camera or f"camera-{number % 16}"
    return Match(
        id=match_id("find-bond", camera, f"event-{number}", 0),
        pipeline="find-bond",
        time_us=time_us or now_us - 5_000,
        event_id=f"event-{number}",
        event_source=camera,
        origin=origin or Origin("cluster", "topic-id", "events", 0, number),
        match_time_us=now_us,
        columns={"id": f"event-{number}", "camera": camera, "place": "Pier 7", "label": "moped", "score": 0.5321},
        stage_us={"ingest": 1_000, "join": 500, "featurize": 3_500},
    )


class Sender:
    """kafka-python's producer; it splits keys as Java's does."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self._producer = KafkaProducer(bootstrap_servers=bootstrap_servers, acks="all", linger_ms=0, retries=100)
        self._topic = topic

    def send(self, *those: Match) -> None:
        for each in those:
            value, headers = matches.encode(each)
            self.raw(each.columns["camera"].encode(), value, headers)

    def raw(self, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
        self._producer.send(self._topic, key=key, value=value, headers=headers)

    def flush(self) -> None:
        self._producer.flush()

    def close(self) -> None:
        self._producer.close()


class Stream(threading.Thread):
    """Sends matches at a steady rate until told to stop."""

    def __init__(self, sender: Sender, per_s: float = 100) -> None:
        super().__init__(daemon=True)
        self.sent = 0
        self._sender, self._interval_s, self._stop_it = sender, 1 / per_s, threading.Event()

    def run(self) -> None:
        while not self._stop_it.wait(self._interval_s):
            self._sender.send(match(self.sent))
            self.sent += 1

    def stop(self) -> int:
        """How many were sent and acknowledged."""
        self._stop_it.set()
        self.join()
        self._sender.flush()
        return self.sent


class Record(NamedTuple):
    key: bytes | None
    value: Any
    headers: dict[str, str]
    partition: int


class Reader:
    """kafka-python's consumer of a whole topic."""

    def __init__(self, bootstrap_servers: str, topic: str, partitions: int) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest", enable_auto_commit=False
        )
        self._consumer.assign([TopicPartition(topic, number) for number in range(partitions)])
        self.records: list[Record] = []

    def read(self) -> list[Record]:
        """All there has been so far."""
        for records in self._consumer.poll(timeout_ms=50).values():
            for record in records:
                headers = {name: raw.decode() for name, raw in record.headers}
                self.records.append(Record(record.key, record.value, headers, record.partition))
        return self.records

    def ids(self) -> Counter[str]:
        return Counter(record.headers["ce_id"] for record in self.records)

    def events(self) -> Counter[tuple[str, str]]:
        """Alerts by rule and event."""
        return Counter((record.headers["ce_rule"], record.headers["ce_eventid"]) for record in self.records)

    def until(self, count: int, timeout_s: float = 60) -> list[Record]:
        """All records once there are `count` different alerts, and whatever follows at once."""
        eventually(lambda: self.read() and len(self.ids()) >= count, timeout_s, f"{count} different records")
        return self.read()

    def close(self) -> None:
        self._consumer.close()


class Alerting(Service):
    """The real service."""

    def __init__(
        self,
        directory: Path,
        topics: Topics,
        bootstrap_servers: str,
        *flags: str,
        cooldown: str = "0s",
        name: str = "a",
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "pipeline.yaml").write_text(_PIPELINE.format(matches=topics.matches))
        (directory / "rules.yaml").write_text(_RULES.format(cooldown=cooldown))
        self.grpc_port = free_port()
        mine = (
            *("--rules", directory / "rules.yaml", "--pipelines", directory / "pipeline.yaml"),
            *("--bootstrap-servers", bootstrap_servers, "--group", topics.matches),
            *("--alerts-topic", topics.alerts, "--dead-letter-topic", topics.dead),
            *("--grpc-host", "127.0.0.1", "--grpc-port", self.grpc_port),
        )
        super().__init__("alerting", directory / f"{name}.log", *mine, *flags)

    def logged(self, text: str) -> bool:
        return text in self.log.read_text()


class Subscriber(threading.Thread):
    """An independent gRPC client that keeps what it gets, and how its stream ended."""

    def __init__(self, port: int, replay: int = 0, rules: tuple[str, ...] = ()) -> None:
        super().__init__(daemon=True)
        self.alerts: list[alerts_pb2.Alert] = []
        self.received_us: list[int] = []
        self.ended: grpc.StatusCode | None = None
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        request = alerts_pb2.SubscribeRequest(replay=replay, rules=rules)
        self._call = alerts_pb2_grpc.AlertsStub(self._channel).Subscribe(request, wait_for_ready=True)
        self.start()

    def run(self) -> None:
        try:
            for alert in self._call:
                self.received_us.append(time.time_ns() // 1000)
                self.alerts.append(alert)
        except grpc.RpcError as error:
            self.ended = error.code()

    def close(self) -> None:
        self._call.cancel()
        self.join()
        self._channel.close()
