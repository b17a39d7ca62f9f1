"""Kafka clients set up for milliseconds, and the little administration that services, demo and tests need.

The settings are librdkafka's
(https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md).
"""

import logging
import re
import time
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from sightline.errors import SightlineError
from sightline.io.brokers import Brokers

log = logging.getLogger(__name__)

EVENT_BYTES_MAX = 5 << 20
HEADROOM_BYTES = 64 << 10

_COUNTS = re.compile(r" \(after \d+ms in state.*\)$")
"""At the end of librdkafka's complaints, never twice the same."""

Config = dict[str, Any]


class TopicMissingError(SightlineError):
    """A topic is not there (yet)."""


class Topic(NamedTuple):
    """One topic to make, with its settings as Kafka names them."""

    name: str
    partitions: int = 1
    config: Mapping[str, str] = MappingProxyType({})


def topics(partitions: int = 4, event_bytes_max: int = EVENT_BYTES_MAX) -> list[Topic]:
    """The product's topics. matches and alerts have as many partitions: alert i remembers match i."""
    large = {"max.message.bytes": str(event_bytes_max + HEADROOM_BYTES)}
    return [
        Topic("events", partitions, large),
        Topic("locations", 1, {"cleanup.policy": "compact"}),
        Topic("matches", partitions),
        Topic("alerts", partitions, {"retention.ms": "-1"}),
        Topic("dead-letters", 1, {"retention.ms": "-1", **large}),
    ]


def _client(brokers: str | Brokers) -> Config:
    return Brokers.of(brokers).client_config() | {
        # A broker that is replaced has a new address: give the old one up soon, and look again soon.
        "socket.connection.setup.timeout.ms": 2_000,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1_000,
        "socket.nagle.disable": True,
        "logger": log,
    }


def producer_config(brokers: str | Brokers, transactional: bool = False, idempotent: bool = True) -> Config:
    """Acknowledged by all replicas, in order, keys split as Java's clients do, sent at once.

    `idempotent`: no duplicates from retries. It costs: while five records or more are unacknowledged, librdkafka 2.16's
    thread goes round without a pause (87,000 polls a second at 10,000 records a second).
    """
    config = _client(brokers) | {
        "acks": "all",
        "enable.idempotence": idempotent,
        "partitioner": "murmur2_random",
        "linger.ms": 0,
        # What is produced while a request is under way goes with the next one, so that the records a request carries
        # grow with the load. Without that a busy broker is asked for every record alone, and falls behind.
        "max.in.flight.requests.per.connection": 1,
        "message.max.bytes": 32 << 20,
    }
    # Retried until the broker is back: whoever waits for the acknowledgement decides when to give up.
    # In a transaction its time-out bounds it.
    return config if transactional else config | {"message.timeout.ms": 0}


_READ_AHEAD = {"fetch.message.max.bytes": 2 << 20, "queued.max.messages.kbytes": 2 << 10}
"""What is fetched is then still in the processor's caches when it is read: with librdkafka's defaults, 64 MiB ahead,
reading and decoding took 2 to 15 % more CPU in interleaved runs. A larger record is fetched all the same."""


def group_config(brokers: str | Brokers, group: str, session_timeout_ms: int, instance: str | None = None) -> Config:
    """A member of a consumer group that commits by itself and moves only the partitions that must move."""
    config = _client(brokers) | {
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": session_timeout_ms,
        "heartbeat.interval.ms": max(100, session_timeout_ms // 6),
        "max.poll.interval.ms": 300_000,
        "fetch.queue.backoff.ms": 5,
        "fetch.wait.max.ms": 500,
        **_READ_AHEAD,
    }
    return config | ({"group.instance.id": instance} if instance else {})


def reader_config(brokers: str | Brokers) -> Config:
    """A reader of assigned partitions outside any group: tables, alerting's memory, pictures."""
    return _client(brokers) | {
        "group.id": "sightline-reader",  # librdkafka asks for one even where nothing is committed
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "enable.partition.eof": False,
        "fetch.queue.backoff.ms": 5,
    }


def admin(brokers: str | Brokers) -> AdminClient:
    return AdminClient(_client(brokers))


class Asking:
    """An admin client that can say why nobody answers: the password, the certificate, or that nobody is there."""

    def __init__(self, brokers: str | Brokers) -> None:
        self._complaint = ""
        self.client = AdminClient(_client(brokers) | {"error_cb": self._complained})

    def why(self, error: KafkaException) -> str:
        """What a connection last complained of, or the error that a question ended with."""
        self.client.poll(0)
        return self._complaint or str(error.args[0].str())

    def _complained(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # comes after every other one
            self._complaint = _COUNTS.sub("", error.str())


def cluster_id(client: AdminClient, timeout_s: float = 10) -> str:
    """Raises KafkaException while no broker answers.

    Out of the metadata: librdkafka's DescribeCluster ends the process where a broker that comes up knows of none yet.
    """
    if (found := client.list_topics(timeout=timeout_s).cluster_id) is None:
        raise KafkaException(KafkaError(KafkaError._TRANSPORT, "the cluster's id is not known yet"))
    return str(found)


class TopicInfo(NamedTuple):
    topic_id: str
    partitions: int


def describe(client: AdminClient, names: Iterable[str], timeout_s: float = 10) -> dict[str, TopicInfo]:
    """Id and size of each topic. Raises TopicMissingError, or KafkaException while no broker answers."""
    found = {}
    for name, future in client.describe_topics(TopicCollection(list(names)), request_timeout=timeout_s).items():
        try:
            topic = future.result()
        except KafkaException as error:
            if error.args[0].name() == "UNKNOWN_TOPIC_OR_PART":
                raise TopicMissingError(f"topic {name!r} does not exist") from None
            raise
        # As Kafka's own tools write it: librdkafka's base64 has a slash, which is our separator in an origin.
        topic_id = str(topic.topic_id).replace("+", "-").replace("/", "_")
        found[name] = TopicInfo(topic_id, len(topic.partitions))
    return found


def end_offsets(client: AdminClient, partitions: Iterable[TopicPartition], timeout_s: float = 2) -> dict[int, int]:
    """The offset after each partition's last record. Raises KafkaException while no broker answers."""
    asked = client.list_offsets(dict.fromkeys(partitions, OffsetSpec.latest()), request_timeout=timeout_s)
    return {partition.partition: future.result().offset for partition, future in asked.items()}


def create_topics(client: AdminClient, wanted: Iterable[Topic], timeout_s: float = 30) -> None:
    """Make what is missing and wait until each has leaders; a topic that is there stays as it is."""
    wanted = list(wanted)
    new = [NewTopic(topic.name, topic.partitions, config=dict(topic.config)) for topic in wanted]
    for future in client.create_topics(new, operation_timeout=timeout_s).values():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].name() != "TOPIC_ALREADY_EXISTS":
                raise
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            describe(client, [topic.name for topic in wanted])
            return
        except TopicMissingError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


__all__ = [
    "Asking",
    "Brokers",
    "Consumer",
    "KafkaException",
    "Producer",
    "Topic",
    "TopicInfo",
    "TopicMissingError",
    "admin",
    "cluster_id",
    "create_topics",
    "describe",
    "end_offsets",
    "group_config",
    "producer_config",
    "reader_config",
    "topics",
]
