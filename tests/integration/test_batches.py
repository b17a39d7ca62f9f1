"""Batches from a real broker: nothing lost, nothing twice, in order, natively and through Python objects."""

import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from sightline.compiled import NATIVE_VARIABLE
from sightline.io.batches import BatchConsumer
from sightline.io.kafka import Topic, admin, create_topics, group_config, producer_config
from sightline.io.records import Batch, Raw
from tests.integration.harness import eventually
from tools.kafka import Broker

Made = Callable[..., BatchConsumer]
TIMEOUT_S = 30


@pytest.fixture(params=["native", "objects"])
def made(request: pytest.FixtureRequest, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """Makes a consumer that is closed at the end."""
    monkeypatch.setenv(NATIVE_VARIABLE, "1" if request.param == "native" else "0")
    consumers: list[BatchConsumer] = []

    def make(group: str, **config: Any) -> BatchConsumer:
        base = group_config(broker.bootstrap_servers, group, 6_000)
        given = {name.replace("_", "."): value for name, value in config.items()}
        consumer = BatchConsumer(Consumer(base | given), lambda *error: make.errors.append(error))  # type: ignore[attr-defined]
        if request.param == "native" and not consumer.is_native:
            pytest.skip("the extension was not built")
        assert consumer.is_native == (request.param == "native")
        consumers.append(consumer)
        return consumer

    make.errors = []  # type: ignore[attr-defined]
    yield make
    for each in consumers:
        each.close()


class Topics:
    """A topic of this test's own, and who writes to it."""

    def __init__(self, broker: Broker, name: str, partitions: int = 1) -> None:
        self.name, self.partitions = name, partitions
        create_topics(admin(broker.bootstrap_servers), [Topic(name, partitions)])
        self._producer = Producer(producer_config(broker.bootstrap_servers))

    def write(self, count: int, partition: int = 0, first: int = 0) -> None:
        for number in range(first, first + count):
            while True:
                try:
                    self._producer.produce(self.name, b'{"n":%d}' % number, b"k", partition=partition)
                    break
                except BufferError:
                    self._producer.poll(0.1)
        assert self._producer.flush(TIMEOUT_S) == 0

    def write_one(self, **record: Any) -> None:
        self._producer.produce(self.name, partition=0, **record)
        assert self._producer.flush(TIMEOUT_S) == 0


def read(consumer: BatchConsumer, count: int, records_max: int = 1000) -> list[Batch]:
    batches: list[Batch] = []

    def enough() -> bool:
        batches.extend(consumer.poll(0.2, records_max))
        return sum(map(len, batches)) >= count

    eventually(enough, TIMEOUT_S, f"{count} records")
    return batches


def offsets(batches: list[Batch]) -> list[int]:
    return [offset for batch in batches for offset in batch.offsets]


def test_a_batch_is_what_was_sent(made: Made, broker: Broker, unique: Callable[[str], str]) -> None:
    topic = Topics(broker, unique("records"))
    topic.write_one(value=b'{"a":1}', key=b"k", headers=[("one", b"1"), ("none", None), ("one", b"")], timestamp=1234)
    topic.write_one(value=None, key=None)
    topic.write_one(value=b"", key=b"")
    consumer = made(unique("group"))
    consumer.assign([TopicPartition(topic.name, 0, 0)])
    batches = read(consumer, 3)
    records = [batch.record(i) for batch in batches for i in range(len(batch))]
    assert records[0] == Raw(b"k", b'{"a":1}', [("one", b"1"), ("none", None), ("one", b"")], 1234, 0)
    assert [(each.key, each.value, each.headers) for each in records[1:]] == [(None, None, []), (b"", b"", [])]
    assert [value for batch in batches for value in batch.values()] == [b'{"a":1}', None, b""]
    assert offsets(batches) == [0, 1, 2]
    assert next(iter(batches[0].timestamps_ms)) == 1234
    assert batches[0].timestamp_ms_min == min(batches[0].timestamps_ms)
    assert (batches[0].topic, batches[0].partition) == (topic.name, 0)
    assert (sum(each.bytes for each in batches), max(each.value_bytes_max for each in batches)) == (7, 7)
    with pytest.raises(IndexError):
        batches[0].record(len(batches[0]))


def test_lines_are_all_values_or_none(made: Made, broker: Broker, unique: Callable[[str], str]) -> None:
    topic = Topics(broker, unique("lines"))
    topic.write(5)
    consumer = made(unique("group"))
    consumer.assign([TopicPartition(topic.name, 0, 0)])
    assert b"\n".join(each.lines() or b"?" for each in read(consumer, 5)) == b"\n".join(
        b'{"n":%d}' % number for number in range(5)
    )
    for bad in (b"[1]", b"{", b" {}", None, b""):
        topic.write_one(value=bad)
        (batch,) = read(consumer, 1)
        assert batch.lines() is None


def test_nothing_waits_for_a_batch_to_fill(made: Made, broker: Broker, unique: Callable[[str], str]) -> None:
    topic = Topics(broker, unique("prompt"))
    consumer = made(unique("group"))
    consumer.assign([TopicPartition(topic.name, 0, 0)])
    consumer.poll(1, 10)
    topic.write(1)
    before_s = time.monotonic()
    batches = consumer.poll(20, 10_000)
    assert time.monotonic() - before_s < 5
    assert offsets(batches) == [0]
    before_s = time.monotonic()
    assert consumer.poll(0.2, 10) == []
    assert time.monotonic() - before_s >= 0.19


def test_records_max_is_kept(made: Made, broker: Broker, unique: Callable[[str], str]) -> None:
    topic = Topics(broker, unique("most"))
    topic.write(100)
    consumer = made(unique("group"))
    consumer.assign([TopicPartition(topic.name, 0, 0)])
    batches: list[Batch] = []
    while sum(map(len, batches)) < 100:
        polled = consumer.poll(TIMEOUT_S, 7)
        assert 0 < sum(map(len, polled)) <= 7
        batches += polled
    assert offsets(batches) == list(range(100))


def test_a_pause_holds_and_a_resume_goes_on_where_it_was(
    made: Made, broker: Broker, unique: Callable[[str], str]
) -> None:
    topic = Topics(broker, unique("paused"))
    topic.write(20_000)
    consumer = made(unique("group"))
    partition = TopicPartition(topic.name, 0, 0)
    consumer.assign([partition])
    seen: list[int] = []
    for _ in range(5):
        seen += offsets(read(consumer, 100, 100))
        consumer.pause([partition])
        assert consumer.poll(0.2, 1000) == []
        consumer.resume([partition])
    seen += offsets(read(consumer, 20_000 - len(seen)))
    assert seen == list(range(20_000))


def test_a_seek_drops_what_was_fetched(made: Made, broker: Broker, unique: Callable[[str], str]) -> None:
    topic = Topics(broker, unique("sought"))
    topic.write(20_000)
    consumer = made(unique("group"))
    consumer.assign([TopicPartition(topic.name, 0, 0)])
    read(consumer, 500, 500)
    for target in (7, 15_000, 3, 3, 19_990):
        consumer.seek(TopicPartition(topic.name, 0, target))
        assert offsets(read(consumer, 10, 10))[:10] == list(range(target, target + 10))
    consumer.seek(TopicPartition(topic.name, 0, 0))
    assert offsets(read(consumer, 20_000)) == list(range(20_000))


def test_an_assignment_at_an_older_offset_starts_there(
    made: Made, broker: Broker, unique: Callable[[str], str]
) -> None:
    """What was fetched before, and is still in a queue, never mixes with what comes after."""
    topic = Topics(broker, unique("again"))
    topic.write(20_000)
    consumer = made(unique("group"))
    for round_, start in enumerate([0, 5_000, 10, 19_000, 0, 0, 7] * 3):
        consumer.incremental_assign([TopicPartition(topic.name, 0, start)])
        got = offsets(read(consumer, 100, 100))
        assert got == list(range(start, start + len(got))), f"round {round_}"
        consumer.incremental_unassign([TopicPartition(topic.name, 0)])
        assert consumer.poll(0, 1000) == []


def test_an_expired_offset_is_an_error_after_the_records_before_it(
    made: Made, broker: Broker, unique: Callable[[str], str]
) -> None:
    topic = Topics(broker, unique("expired"))
    topic.write(5)
    consumer = made(unique("group"))
    consumer.assign([TopicPartition(topic.name, 0, 1000)])

    def reported() -> Any:
        assert consumer.poll(0.1, 10) == []
        return made.errors  # type: ignore[attr-defined]

    ((error, partition), *_) = eventually(reported, TIMEOUT_S)
    assert error.code() == KafkaError._AUTO_OFFSET_RESET
    assert (partition.topic, partition.partition, partition.offset) == (topic.name, 0, 1000)
    consumer.seek(TopicPartition(topic.name, 0, 2))
    assert offsets(read(consumer, 3)) == [2, 3, 4]


def test_batches_outlive_the_consumer(made: Made, broker: Broker, unique: Callable[[str], str]) -> None:
    topic = Topics(broker, unique("outlive"))
    topic.write(1000)
    topic.write_one(value=b"{}", headers=[("one", b"1"), ("none", None)])
    topic.write_one(value=None, key=b"")
    consumer = made(unique("group"))
    consumer.assign([TopicPartition(topic.name, 0, 0)])
    batches = read(consumer, 1002)

    def seen() -> list[Any]:
        each_record = [each.record(index) for each in batches for index in range(len(each))]
        return each_record + [
            (list(each.offsets), each.values(), each.lines(), list(each.timestamps_ms)) for each in batches
        ]

    before = seen()
    consumer.close()
    assert seen() == before
    del consumer
    gc.collect()
    assert seen() == before
    assert [each.headers for each in before[999:1002]] == [[], [("one", b"1"), ("none", None)], []]
    assert (before[1001].key, before[1001].value, batches[-1].record(-1).offset) == (b"", None, 1001)


class Member:
    """One of a group, which notes what it read in each of its assignments."""

    def __init__(self, consumer: BatchConsumer, topic: str) -> None:
        self.consumer, self.topic = consumer, topic
        self.next: dict[int, int] = {}
        self.read: dict[int, set[int]] = {}
        self.rebalances = 0
        consumer.subscribe([topic], on_assign=self._assign, on_revoke=self._revoke, on_lost=self._revoke)

    def _assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.rebalances += 1
        for each in consumer.committed(partitions, 10):
            self.next[each.partition] = max(each.offset, 0)
        starts = [TopicPartition(each.topic, each.partition, self.next[each.partition]) for each in partitions]
        self.consumer.incremental_assign(starts)

    def _revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.rebalances += 1
        commit = [TopicPartition(self.topic, each.partition, self.next.pop(each.partition)) for each in partitions]
        if commit:
            consumer.commit(offsets=commit, asynchronous=False)
        self.consumer.incremental_unassign(partitions)

    def poll(self) -> None:
        for batch in self.consumer.poll(0.01, 500):
            # Each record is of an assignment, and none is left out or repeated in it.
            first = self.next[batch.partition]
            assert list(batch.offsets) == list(range(first, first + len(batch)))
            self.next[batch.partition] = first + len(batch)
            self.read.setdefault(batch.partition, set()).update(batch.offsets)


def test_members_come_and_go(made: Made, broker: Broker, unique: Callable[[str], str]) -> None:
    topic, group = Topics(broker, unique("shared"), 4), unique("group")
    written = 0
    first = Member(made(group), topic.name)
    members = [first]

    def step() -> None:
        for each in members:
            each.poll()

    for _ in range(3):
        for partition in range(4):
            topic.write(3000, partition, written)
        written += 3000
        second = Member(made(group), topic.name)
        members.append(second)

        def shared(other: Member = second) -> bool:
            step()
            return len(first.next) == 2 and len(other.next) == 2

        eventually(shared, TIMEOUT_S, "both have two partitions")
        for partition in range(4):
            topic.write(500, partition, written)
        written += 500
        for _ in range(20):
            step()
        members.remove(second)
        second.consumer.close()
        for partition, found in second.read.items():
            first.read.setdefault(partition, set()).update(found)

        def alone() -> bool:
            step()
            return len(first.next) == 4

        eventually(alone, TIMEOUT_S, "the first has all again")

    def everything() -> bool:
        step()
        return all(first.read.get(each) == set(range(written)) for each in range(4))

    eventually(everything, TIMEOUT_S, "each record was read")
