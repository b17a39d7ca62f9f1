"""JSON events in partitions, what a batch query gives for them in plain Python, and a joiner to compare it with."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka import Producer

from sightline.io.kafka import Topic, admin, create_topics, producer_config
from tests.integration.harness import Reader, service, start
from tools.services import Service

SIZE_MS = 10_000
START_MS = 1_700_000_000_000
"""A multiple of the window's size, long past: no event is of the future."""

SOURCE = """\
version: 1
name: {name}
sources:
  events:
    topic: {events}
    format: json
    columns: {{k: string, u: string, v: bigint, t: bigint}}
    event_time: timestamp_millis(e.t)
    watermark: {watermark}
    idle: {idle}
    {source}
"""

WINDOWED = """\
query: |
  SELECT e.{group} AS k, unix_millis(window.start) AS start, count(*) AS n, sum(e.v) AS total, min(e.v) AS low,
    max(e.v) AS high, avg(e.v) AS mean, count(DISTINCT e.v) AS kinds
  FROM events e WHERE e.v <> 13 GROUP BY e.{group}, window(e.time, '10 seconds')
windows: {{emit: {emit}, late_topic: {late_topic}}}
sink: {{topic: {out}, key: [k, start]}}
delivery: {delivery}
"""


class Event(NamedTuple):
    """`user` is the record's key."""

    key: str
    user: str
    amount: int
    time_ms: int

    @property
    def value(self) -> bytes:
        return json.dumps({"k": self.key, "u": self.user, "v": self.amount, "t": self.time_ms}).encode()


class Group(NamedTuple):
    """What identifies a row of the result."""

    start_ms: int
    key: str


Row = dict[str, Any]


def batch(
    partitions: Iterable[Sequence[Event]], delay_ms: int, by: Callable[[Event], str]
) -> tuple[dict[Group, Row], list[Event]]:
    """The rows of WINDOWED for whole partitions, and the events that are late in them."""
    amounts: dict[Group, list[int]] = {}
    late = []
    for partition in partitions:
        newest = 0
        for event in partition:
            newest = max(newest, event.time_ms)
            if event.amount == 13:
                continue
            start_ms = event.time_ms - event.time_ms % SIZE_MS
            if start_ms + SIZE_MS <= newest - delay_ms:
                late.append(event)
            else:
                amounts.setdefault(Group(start_ms, by(event)), []).append(event.amount)
    return {group: _row(group, found) for group, found in amounts.items()}, late


def _row(group: Group, amounts: list[int]) -> Row:
    return {
        "k": group.key,
        "start": group.start_ms,
        "n": len(amounts),
        "total": sum(amounts),
        "low": min(amounts),
        "high": max(amounts),
        "mean": sum(amounts) / len(amounts),
        "kinds": len(set(amounts)),
    }


class Stream:
    """A pipeline over JSON events on topics of its own."""

    def __init__(self, bootstrap_servers: str, directory: Path, unique: Callable[[str], str], partitions: int) -> None:
        self.bootstrap_servers, self.directory = bootstrap_servers, directory
        self.names = {each: unique(each) for each in ("name", "events", "out", "letters", "late")}
        self.partitions = partitions
        self.sent: list[list[Event]] = [[] for _ in range(partitions)]
        self.producer = Producer(producer_config(bootstrap_servers))
        self.pipeline = directory / f"{self.names['name']}.yaml"
        topics = [Topic(self.names["events"], partitions), Topic(self.names["out"], 2)]
        create_topics(admin(bootstrap_servers), [*topics, Topic(self.names["letters"]), Topic(self.names["late"])])

    def windowed(
        self,
        *,
        group: str = "k",
        emit: str = "append",
        delivery: str = "at-least-once",
        watermark: str = "2s",
        idle: str = "1h",
        late: bool = False,
    ) -> "Stream":
        """Writes the pipeline: windows by `k`, or by the record's key `u`."""
        late_topic = self.names["late"] if late else "null"
        source = "key: u" if group == "u" else "start: earliest"
        text = SOURCE.format(**self.names, watermark=watermark, idle=idle, source=source)
        more = {**self.names, "late_topic": late_topic}
        self.pipeline.write_text(text + WINDOWED.format(group=group, emit=emit, delivery=delivery, **more))
        return self

    def send(self, partition: int, *events: Event) -> None:
        for each in events:
            self.sent[partition].append(each)
            self.producer.produce(self.names["events"], each.value, each.user.encode(), partition)
        self.producer.poll(0)

    def close_windows(self, after_ms: int) -> None:
        """An event in each partition that lets the watermark pass all before; nothing counts it but the watermark."""
        for partition in range(self.partitions):
            self.send(partition, Event("end", f"end{partition}", 13, after_ms))
        self.producer.flush()

    @property
    def flags(self) -> list[str]:
        return [
            *("--pipeline", str(self.pipeline), "--bootstrap-servers", self.bootstrap_servers),
            *("--session-timeout-ms", "2000", "--dead-letter-topic", self.names["letters"]),
        ]

    def joiner(self, *more: str) -> AbstractContextManager[Service]:
        """Ready, and stopped at the end."""
        return service("stream_joiner", self.directory, *self.flags, *more)

    def start(self, *more: str) -> Service:
        """One that may not be ready yet, and that nobody stops."""
        return start("stream_joiner", self.directory, *self.flags, *more)

    @contextmanager
    def reader(self, topic: str = "out", committed: bool = False) -> Iterator[Reader]:
        made = Reader(self.bootstrap_servers, self.names[topic], committed=committed)
        try:
            yield made
        finally:
            made.close()


def rows(reader: Reader) -> dict[Group, Row]:
    """The newest row of each group so far."""
    found = [json.loads(each.value) for each in sorted(reader.poll(), key=lambda each: (each.partition, each.offset))]
    return {Group(each["start"], each["k"]): each for each in found}
