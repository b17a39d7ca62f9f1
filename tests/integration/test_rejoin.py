"""A broker that goes away for longer than a member's session: the polling thread finds back."""

from collections.abc import Callable

from confluent_kafka import Producer, TopicPartition

from sightline.io.kafka import Topic, admin, create_topics, producer_config
from tests.integration.harness import eventually
from tests.integration.test_source import Reader, reading
from tools.kafka import Broker


def test_a_commit_that_waited_for_the_broker_ends_nothing(own_broker: Broker, unique: Callable[[str], str]) -> None:
    """The client keeps commits back for a session's time, and sends them before it has joined again.

    To the broker they then come from another instance of the same name, and that it says so ends the client.
    """
    topic, failures = unique("events"), list[BaseException]()
    create_topics(admin(own_broker.bootstrap_servers), [Topic(topic, 1)])
    with reading(own_broker, topic, failures, session_ms=8_000, instance="one") as reader:
        write(own_broker, topic)
        eventually(lambda: reader.received_by[0] == 1, what="the first record")
        own_broker.stop()  # killed, it would come back later than the client keeps commits
        eventually(lambda: committed_and_lost(reader, topic), what="the end of the session")
        own_broker.start()
        eventually(lambda: reader.owned, what="the partition again")
        read = reader.received_by[0]
        write(own_broker, topic)
        eventually(lambda: reader.received_by[0] > read, what="what comes after")
    assert failures == []


def committed_and_lost(reader: Reader, topic: str) -> bool:
    reader.source.later(lambda consumer: consumer.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=True))
    return not reader.owned


def write(broker: Broker, topic: str) -> None:
    writer = Producer(producer_config(broker.bootstrap_servers))
    writer.produce(topic, b"{}")
    assert writer.flush(60) == 0
