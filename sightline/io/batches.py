"""Records from Kafka in batches: whatever has arrived, with no wait for a batch to fill.

    consumer = Consumer(config)
    batches = BatchConsumer(consumer, on_error)
    consumer.subscribe([...], on_assign=lambda _, partitions: batches.incremental_assign(partitions), ...)
    while ...:
        for batch in batches.poll(0.05, 10_000):
            ...
    batches.close()

One thread at a time may use the consumer and its `BatchConsumer`; the batches themselves may go to any thread. A
rebalance callback has to assign through the `BatchConsumer`. Seek, pause, resume, unassign and commit are the
consumer's own: records fetched before one of the first four never come out of a later `poll`.

There are two implementations, with one behaviour. The native one (`sightline.io.native`) makes no Python object for a
record; the other is on confluent-kafka alone. `SIGHTLINE_NATIVE=0` forces the second.
"""

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

log = logging.getLogger(__name__)

NATIVE_VARIABLE = "SIGHTLINE_NATIVE"


class Raw(NamedTuple):
    """One record. `timestamp_ms` is -1 where the record has none."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    timestamp_ms: int
    offset: int


class Problem(NamedTuple):
    """An error that came in place of a record. `topic` is None where it is of no partition."""

    error: KafkaError
    topic: str | None
    partition: int
    offset: int


class Batch(Protocol):
    """Consecutive records of one partition, at least one; compaction and transactions leave gaps between offsets.

    `bytes` counts the values, `value_bytes_max` is the size of the largest one.
    """

    @property
    def topic(self) -> str: ...

    @property
    def partition(self) -> int: ...

    @property
    def offsets(self) -> Sequence[int]: ...

    @property
    def timestamps_ms(self) -> Sequence[int]: ...

    def __len__(self) -> int: ...

    def values(self) -> list[bytes | None]: ...

    def lines(self) -> bytes | None:
        """All values with a newline between two, if each begins with `{` and ends with `}`; else None.

        JSON texts of that form can't run into one another: after `}` no JSON text goes on with `{`, and a newline
        inside a string is no JSON. So a decoder that finds as many objects as there are records found theirs.
        """
        ...

    def record(self, index: int) -> Raw: ...

    # Last, for the names of what stands in a class are taken for types above: `bytes` is the size here.
    @property
    def value_bytes_max(self) -> int: ...

    @property
    def bytes(self) -> int: ...


class MessageBatch:
    """A batch of confluent-kafka's messages."""

    def __init__(self, topic: str, partition: int, messages: list[Message]) -> None:
        self.topic, self.partition = topic, partition
        self._messages = messages
        sizes = [len(value) for value in self.values() if value is not None]
        self.bytes, self.value_bytes_max = sum(sizes), max(sizes, default=0)

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def offsets(self) -> Sequence[int]:
        return [each.offset() for each in self._messages]

    @property
    def timestamps_ms(self) -> Sequence[int]:
        return [each.timestamp()[1] for each in self._messages]

    def values(self) -> list[bytes | None]:
        return [each.value() for each in self._messages]

    def lines(self) -> bytes | None:
        return join_lines(self.values())

    def record(self, index: int) -> Raw:
        each = self._messages[index]
        return Raw(each.key(), each.value(), each.headers() or [], each.timestamp()[1], each.offset())


def join_lines(values: Sequence[bytes | None]) -> bytes | None:
    """`Batch.lines` of these values."""
    for value in values:
        if value is None or value[:1] != b"{" or value[-1:] != b"}":
            return None
    return b"\n".join(values)  # type: ignore[arg-type]


OnError = Callable[[Problem], None]


class BatchConsumer(ABC):
    """`on_error` is called in `poll`, on its thread, for each error that comes between records."""

    def __init__(self, consumer: Consumer, on_error: OnError) -> None:
        self.consumer, self._on_error = consumer, on_error

    @abstractmethod
    def poll(self, timeout_s: float, records_max: int) -> list[Batch]:
        """Wait until there is a record, for `timeout_s` at most; then all that has arrived, up to `records_max`.

        Runs the consumer's callbacks. Raises KafkaException where the consumer does: what a callback raised, or a
        fatal error.
        """

    @abstractmethod
    def assign(self, partitions: list[TopicPartition]) -> None: ...

    @abstractmethod
    def incremental_assign(self, partitions: list[TopicPartition]) -> None: ...

    @abstractmethod
    def close(self) -> None:
        """Close the consumer, which leaves its group. Batches handed out before stay good."""


class MessageBatchConsumer(BatchConsumer):
    """On confluent-kafka's messages, with a Python object for each."""

    def poll(self, timeout_s: float, records_max: int) -> list[Batch]:
        first = self.consumer.poll(timeout_s)
        if first is None:
            return []
        more = self.consumer.consume(records_max - 1, 0) if records_max > 1 else []
        return batches_of([first, *more], self._on_error)

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.consumer.assign(partitions)

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        self.consumer.incremental_assign(partitions)

    def close(self) -> None:
        self.consumer.close()


def batches_of(messages: list[Message], on_error: OnError) -> list[Batch]:
    """By partition, each in the order of the messages; errors go to `on_error`."""
    parts: dict[tuple[str, int], list[Message]] = {}
    for each in messages:
        error = each.error()
        if error is None:
            parts.setdefault((each.topic(), each.partition()), []).append(each)
        else:
            on_error(Problem(error, each.topic(), each.partition(), each.offset()))
    return [MessageBatch(*partition, part) for partition, part in parts.items()]


def batch_consumer(consumer: Consumer, on_error: OnError) -> BatchConsumer:
    """The native one where it can be had; the log says which, and why not."""
    if os.environ.get(NATIVE_VARIABLE, "1") == "0":
        why = f"{NATIVE_VARIABLE}=0"
    else:
        native: Any
        try:
            from sightline.io import native

            made: BatchConsumer = native.NativeBatchConsumer(consumer, on_error)
            log.info("records come natively", extra={"librdkafka": native.version()})
            return made
        except ImportError as error:
            why = str(error)
    log.info("records come through Python objects, at about twice the cost", extra={"why": why})
    return MessageBatchConsumer(consumer, on_error)
