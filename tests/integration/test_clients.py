"""Clients on a broker that goes and comes back."""

import threading
import time
import uuid
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaException, TopicPartition

from sightline.io import clients
from sightline.io.ends import EndOffsets
from sightline.io.kafka import Topic, admin, create_topics, group_config, producer_config, reader_config
from tests.integration.harness import eventually
from tools.kafka import Broker

ASK_OFTEN = {"topic.metadata.refresh.interval.ms": 10}
"""So that some ask in the moment in which the answer is that there is no broker."""

EACH = 6


class Client(threading.Thread):
    """Calls `use` again and again; `used_s` is when that last came to something."""

    def __init__(self, name: str, use: Callable[[], bool], close: Callable[[], object] = lambda: None) -> None:
        super().__init__(name=name, daemon=True)
        self._use, self._close, self._stopping = use, close, threading.Event()
        self.used_s = 0.0

    def run(self) -> None:
        while not self._stopping.is_set():
            if self._use():
                self.used_s = time.monotonic()

    def stop(self) -> None:
        self._stopping.set()
        self.join()
        self._close()


def producing(servers: str, topic: str) -> Client:
    producer = clients.Producer(producer_config(servers) | ASK_OFTEN)
    acknowledged: list[bool] = []

    def use() -> bool:
        if len(producer) == 0:
            producer.produce(topic, b"", on_delivery=lambda error, _: acknowledged.append(error is None))
        producer.poll(0.1)
        return bool(acknowledged) and acknowledged.pop()

    return Client("a producer", use)


def reading(servers: str, topic: str) -> Client:
    consumer = clients.Consumer(reader_config(servers) | ASK_OFTEN)
    consumer.assign([TopicPartition(topic, 0, 0)])
    return Client("a reader", lambda: has_read(consumer), consumer.close)


def belonging(servers: str, topic: str) -> Client:
    def assigned(consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_assign([TopicPartition(each.topic, each.partition, 0) for each in partitions])

    consumer = clients.Consumer(group_config(servers, uuid.uuid4().hex, 6_000) | ASK_OFTEN)
    consumer.subscribe([topic], on_assign=assigned)
    return Client("a group's member", lambda: has_read(consumer), consumer.close)


def has_read(consumer: Consumer) -> bool:
    message = consumer.poll(0.1)
    return message is not None and message.error() is None


def asking(servers: str, topic: str) -> Client:
    ends = EndOffsets(servers)

    def use() -> bool:
        try:
            return bool(ends.ask([TopicPartition(topic, 0)], 1))
        except KafkaException:
            return False

    return Client("who asks for ends", use, ends.close)


def test_clients_go_on_after_their_only_broker_was_restarted(own_broker: Broker, unique: Callable[[str], str]) -> None:
    """While it is shut down it tells some of them of no broker, and those would never ask it again."""
    servers, topic = own_broker.bootstrap_servers, unique("records")
    create_topics(admin(servers), [Topic(topic)])
    using = [make(servers, topic) for make in (producing, reading, belonging, asking) for _ in range(EACH)]
    for each in using:
        each.start()
    eventually(lambda: idle(using, since_s=0) == [], what="all at work")
    own_broker.restart()
    back_s = time.monotonic()
    eventually(lambda: idle(using, back_s) == [], what="all at work again")
    for each in using:
        each.stop()


def idle(using: list[Client], since_s: float) -> list[str]:
    return [each.name for each in using if each.used_s <= since_s]
