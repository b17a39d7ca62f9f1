"""What waits is bounded and holds nothing else up; what has piled up is worked off."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from sightline.io.kafka import Topic, admin, create_topics, end_offsets, producer_config
from tests.integration.harness import event_headers, eventually, service
from tests.integration.scripted_featurizer import Scripted, scripted_featurizer
from tests.integration.streams import SOURCE, START_MS, Event, Stream
from tools.kafka import Broker
from tools.services import Service

OPEN_EVENTS_MAX = 200
POLLED_MAX = 500
"""Of one partition at once, where there is a model."""

SCORED = """\
version: 1
name: {events}
sources: {{events: {{topic: {events}}}}}
query: SELECT e.id, p.label FROM events e CROSS JOIN LATERAL inline(predict('m', e.image)) p
sink: {{topic: {matches}, key: [id]}}
"""

MIB = 1 << 20


class Scoring(NamedTuple):
    """Images on two partitions, a featurizer that does as it is told, and the joiner between them."""

    bootstrap: str
    client: AdminClient
    names: dict[str, str]
    directory: Path
    producer: Producer
    address: str
    featurizer: Scripted

    def send(self, image: bytes, event_id: str, partition: int) -> None:
        headers = event_headers(event_id)
        self.producer.produce(self.names["events"], image, None, partition, headers=headers)
        self.producer.poll(0)

    def joiner(self, *more: str) -> AbstractContextManager[Service]:
        pipeline = self.directory / "pipeline.yaml"
        pipeline.write_text(SCORED.format(**self.names))
        flags = ["--pipeline", str(pipeline), "--bootstrap-servers", self.bootstrap]
        flags += ["--featurizer-address", self.address, "--dead-letter-topic", self.names["letters"]]
        return service("stream_joiner", self.directory, *flags, "--open-events-max", str(OPEN_EVENTS_MAX), *more)

    @property
    def matches(self) -> int:
        return count(self.client, self.names["matches"])


@pytest.fixture
def scoring(broker: Broker, unique: Callable[[str], str], tmp_path: Path) -> Iterator[Scoring]:
    names = {each: unique(each) for each in ("events", "matches", "letters")}
    client = admin(broker.bootstrap_servers)
    create_topics(client, [Topic(each, 2) for each in names.values()])
    producer = Producer(producer_config(broker.bootstrap_servers))
    with scripted_featurizer() as (address, featurizer):
        yield Scoring(broker.bootstrap_servers, client, names, tmp_path, producer, address, featurizer)
    producer.flush()


def count(client: AdminClient, topic: str) -> int:
    """Records that were ever written to both partitions."""
    return sum(end_offsets(client, [TopicPartition(topic, each) for each in range(2)], timeout_s=30).values())


def most_bytes(process: Service) -> int:
    """The largest resident set it ever had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


def test_a_featurizer_that_stops_answering_costs_bounded_memory(scoring: Scoring) -> None:
    image = b"cat 0.9 " + b"x" * 100_000
    events = 4_000
    scoring.featurizer.answers.clear()
    with scoring.joiner("--request-timeout-ms", "600000") as joiner:
        before = most_bytes(joiner)
        for number in range(events):
            scoring.send(image, str(number), number % 2)
        scoring.producer.flush()
        eventually(lambda: joiner.metric("sightline_consumer_lag_records") == events, what="all known, and none done")
        eventually(lambda: asked(scoring.featurizer) > 0, what="the first requests")
        # Further ones would have come by now: each turn of the joiner's own clock would take a batch.
        ticks = joiner.metric("sightline_events_total")
        assert ticks == 0
        assert asked(scoring.featurizer) <= 2 * (OPEN_EVENTS_MAX // 2 + POLLED_MAX)
        assert most_bytes(joiner) - before < 300 * MIB
        scoring.featurizer.answers.set()
        eventually(lambda: scoring.matches == events, what="all matches")
        assert most_bytes(joiner) - before < 300 * MIB


def asked(featurizer: Scripted) -> int:
    return sum(map(len, featurizer.requests))


def test_a_partition_that_waits_holds_no_other(scoring: Scoring) -> None:
    with scoring.joiner() as joiner:
        for number in range(3 * OPEN_EVENTS_MAX):
            scoring.send(b"full", f"waits{number}", 0)
        scoring.producer.flush()
        eventually(lambda: asked(scoring.featurizer) > 0, what="the first requests")
        for number in range(3 * OPEN_EVENTS_MAX):
            scoring.send(b"cat 0.9", f"goes{number}", 1)
        scoring.producer.flush()
        eventually(lambda: scoring.matches == 3 * OPEN_EVENTS_MAX, what="the other partition's")
        assert joiner.metric("sightline_events_total", outcome="matched") == 3 * OPEN_EVENTS_MAX
        scoring.featurizer.has_room.set()
        eventually(lambda: scoring.matches == 6 * OPEN_EVENTS_MAX, what="all matches")


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_what_piled_up_is_worked_off_in_bounded_memory(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path, delivery: str
) -> None:
    events = 300_000
    stream = Stream(broker.bootstrap_servers, tmp_path, unique, 2)
    text = SOURCE.format(**stream.names, watermark="0s", idle="1h", source="start: earliest")
    more = f"sink: {{topic: {stream.names['out']}, key: [k]}}\ndelivery: {delivery}\n"
    stream.pipeline.write_text(text + "query: SELECT e.k, e.v FROM events e\n" + more)
    value = Event("k", "u", 1, START_MS).value
    for number in range(events):
        stream.producer.produce(stream.names["events"], value, None, number % 2)
        if number % 10_000 == 0:
            stream.producer.flush()
    stream.producer.flush()
    with stream.joiner() as joiner:
        done = lambda: joiner.metric("sightline_events_total", outcome="matched") == events  # noqa: E731
        eventually(done, what="all matches")
        assert most_bytes(joiner) < 400 * MIB
        eventually(lambda: joiner.metric("sightline_consumer_lag_records") == 0, what="all committed")
    assert count(admin(stream.bootstrap_servers), stream.names["out"]) >= events
