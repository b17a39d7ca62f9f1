"""The thread that polls, with a reader of the test's own, on a real broker."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaError, Producer, TopicPartition

from services.common.pulse import Pulse
from services.stream_joiner.membership import Subscription
from services.stream_joiner.owner import PollingThread
from services.stream_joiner.reader import Place, States
from services.stream_joiner.source import Source
from sightline.io.kafka import Topic, admin, create_topics, group_config, producer_config
from sightline.io.records import Batch
from tests.integration.harness import eventually
from tools.kafka import Broker


class Reader:
    """Counts records by partition; while `full`, whatever is received rests."""

    busy = False

    def __init__(self, source: Source) -> None:
        self.source = source
        self.resting: frozenset[Place] = frozenset()
        self.full = False
        self.received_by: Counter[int] = Counter()
        self.owned: set[int] = set()

    def assigned(self, partitions: list[TopicPartition], states: States) -> None:
        self.owned |= {each.partition for each in partitions}

    def received(self, batches: list[Batch]) -> None:
        for batch in batches:
            self.received_by[batch.partition] += len(batch)
            if self.full:
                self.resting |= {(batch.topic, batch.partition)}

    def released(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        self.owned -= {each.partition for each in partitions}
        self.resting -= {(each.topic, each.partition) for each in partitions}
        return []

    lost = released

    def settle(self, partitions: list[TopicPartition]) -> bool:
        return True

    def tick(self, now_s: float) -> None: ...
    def ended(self, topic: str, partition: int, offset: int) -> None: ...
    def skipped(self, records: int) -> None: ...
    def committed(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None: ...


@contextmanager
def reading(
    broker: Broker, topic: str, failures: list[BaseException], session_ms: int = 6_000, instance: str | None = None
) -> Iterator[Reader]:
    brokers = broker.bootstrap_servers
    config = group_config(brokers, topic, session_ms, instance) | {"enable.partition.eof": True}
    subscription = Subscription(topic, {topic: "earliest"}, config, 100, 10.0, lambda partitions: {})
    source = Source(subscription, PollingThread(), failures.append, Pulse("source"))
    source.reader = reader = Reader(source)  # type: ignore[assignment]
    source.start()
    try:
        yield reader
    finally:
        source.stop()


def test_a_partition_that_rested_when_it_was_taken_away_goes_on_when_it_is_back(
    broker: Broker, unique: Callable[[str], str]
) -> None:
    topic, failures = unique("events"), list[BaseException]()
    create_topics(admin(broker.bootstrap_servers), [Topic(topic, 2)])
    writer = Producer(producer_config(broker.bootstrap_servers))

    def write(partition: int) -> None:
        writer.produce(topic, b"{}", partition=partition)
        assert writer.flush(30) == 0

    with reading(broker, topic, failures) as first:
        first.full = True
        for partition in range(2):
            write(partition)
        eventually(lambda: len(first.resting) == 2, what="both partitions rest")
        first.full = False
        with reading(broker, topic, failures) as second:
            eventually(lambda: len(second.owned) == 1, what="the second's share")
        eventually(lambda: len(first.owned) == 2, what="all is with the first again")
        (moved,) = {0, 1} - {place[1] for place in first.resting}
        read = first.received_by[moved]
        write(moved)
        eventually(lambda: first.received_by[moved] > read, what="what comes after")
    assert failures == []
