"""Records from Kafka in batches: whatever has arrived, with no wait for a batch to fill.

    batches = BatchConsumer(Consumer(config), on_error)
    batches.subscribe([...], on_assign=lambda _, partitions: batches.incremental_assign(partitions), ...)
    while ...:
        for batch in batches.poll(0.05, 10_000):
            ...
    batches.close()

One thread at a time may use the consumer and its `BatchConsumer`; the batches themselves may go to any thread.
Assigning, unassigning and closing go through the `BatchConsumer`, all else may use the consumer itself. What was
fetched before a seek, a pause or an unassign never comes out of a later `poll`.

Two sources of records behave alike: the native one (`sightline.io.native`) makes no Python object for a record, the
other is on confluent-kafka alone. `SIGHTLINE_NATIVE=0` forces the second.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, Message, TopicPartition

from sightline import compiled
from sightline.io.records import Batch, MessageBatch, Raw

log = logging.getLogger(__name__)

SERVE_S = 0.05
"""The longest that a rebalance, an answer to a commit or a log line waits while records are waited for."""

OnError = Callable[[KafkaError, TopicPartition], None]
"""An error that came in place of a record. The partition's topic is "" where the error is of none."""

OnRebalance = Callable[[Consumer, list[TopicPartition]], None]


class Records(Protocol):
    """Where a `BatchConsumer` gets records from, other than from the consumer's own queue."""

    def forward(self, partitions: set[tuple[str, int]]) -> None:
        """Records of these come here from now on. The set is the caller's and changes with what it owns."""

    def poll(self, timeout_s: float, records_max: int) -> list[Batch]: ...

    def close(self) -> None:
        """Give everything back that must not outlive the consumer."""


class BatchConsumer:
    """`on_error` is called in `poll`, on its thread, for each error that comes between records."""

    def __init__(self, consumer: Consumer, on_error: OnError) -> None:
        self.consumer, self._on_error = consumer, on_error
        self._errors: list[tuple[KafkaError, TopicPartition]] = []
        self._native = native_records(consumer, lambda *error: self._errors.append(error))
        self._owned: set[tuple[str, int]] = set()

    @property
    def is_native(self) -> bool:
        return self._native is not None

    @property
    def owned(self) -> frozenset[tuple[str, int]]:
        """Topic and partition of all that is assigned."""
        return frozenset(self._owned)

    def poll(self, timeout_s: float, records_max: int) -> list[Batch]:
        """Wait until there is a record, for `timeout_s` at most; then all that has arrived, up to `records_max`.

        Batches of one partition come in its order, and may be several. An error is reported once the records before
        it have been handed out. Runs the consumer's callbacks. Raises KafkaException where the consumer does, what a
        callback raised, and what `on_error` raised.
        """
        self._report()
        batches = self._poll(timeout_s, records_max)
        if not batches:
            self._report()
        return batches

    def _report(self) -> None:
        while self._errors:
            self._on_error(*self._errors.pop(0))

    def _poll(self, timeout_s: float, records_max: int) -> list[Batch]:
        if self._native is None:
            return self._messages(timeout_s, records_max)
        deadline_s = time.monotonic() + timeout_s
        while True:
            # Callbacks and errors; records only where a partition was assigned behind our back.
            if batches := self._messages(0, records_max):
                return batches
            left_s = deadline_s - time.monotonic()
            batches = self._native.poll(min(max(left_s, 0), SERVE_S), records_max)
            if batches or self._errors or left_s <= SERVE_S:
                return batches

    def _messages(self, timeout_s: float, records_max: int) -> list[Batch]:
        first = self.consumer.poll(timeout_s)
        if first is None:
            return []
        more = self.consumer.consume(records_max - 1, 0) if records_max > 1 else []
        found = by_partition([first, *more], lambda *error: self._errors.append(error))
        # The second call may have run a callback that took the first one's partition away.
        return [each for each in found if (each.topic, each.partition) in self._owned]

    def subscribe(
        self, topics: list[str], *, on_assign: OnRebalance, on_revoke: OnRebalance, on_lost: OnRebalance
    ) -> None:
        """`on_assign` calls `incremental_assign` (or `assign`), the others `incremental_unassign` (or `unassign`)."""
        self.consumer.subscribe(topics, on_assign=on_assign, on_revoke=on_revoke, on_lost=on_lost)

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Read these instead of those before."""
        self._owned.clear()
        self._own(partitions)
        self.consumer.assign(partitions)

    def unassign(self) -> None:
        self._owned.clear()
        self.consumer.unassign()

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        self._own(partitions)
        self.consumer.incremental_assign(partitions)

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        self._owned -= {(each.topic, each.partition) for each in partitions}
        self.consumer.incremental_unassign(partitions)

    def _own(self, partitions: list[TopicPartition]) -> None:
        """Before they are assigned: then none of their records goes to the consumer's own queue."""
        self._owned |= {(each.topic, each.partition) for each in partitions}
        if self._native:
            self._native.forward(self._owned)

    def seek(self, partition: TopicPartition) -> None:
        """Go on at the partition's offset, also where an error has stopped it."""
        try:
            self.consumer.seek(partition)
        except KafkaException as error:
            if error.args[0].code() != KafkaError._STATE:
                raise
            # With `auto.offset.reset=error` a partition whose offset is gone is stopped, and a seek can't start it.
            self.consumer.incremental_unassign([partition])
            self.incremental_assign([partition])

    def pause(self, partitions: list[TopicPartition]) -> None:
        self.consumer.pause(partitions)

    def resume(self, partitions: list[TopicPartition]) -> None:
        self.consumer.resume(partitions)

    def close(self) -> None:
        """Close the consumer, which revokes and leaves the group. Batches handed out before stay good."""
        if self._native:
            self._native.close()
        self._native = None
        self.consumer.close()


def by_partition(messages: list[Message], on_error: OnError) -> list[Batch]:
    """Each partition's messages in their order; errors go to `on_error`, before the records are handed out."""
    parts: dict[tuple[str, int], list[Message]] = {}
    for each in messages:
        error = each.error()
        if error is None:
            parts.setdefault((each.topic(), each.partition()), []).append(each)
        else:
            on_error(error, _whose(each))
    return [MessageBatch(topic, partition, part) for (topic, partition), part in parts.items()]


def _whose(message: Message) -> TopicPartition:
    """An error of the consumer's own has neither topic nor partition."""
    if (topic := message.topic()) is None or (partition := message.partition()) is None:
        return TopicPartition("")
    return TopicPartition(topic, partition, OFFSET_INVALID if (offset := message.offset()) is None else offset)


def native_records(consumer: Consumer, on_error: OnError) -> Records | None:
    """None where records have to come through Python objects; the log says why."""
    try:
        if not compiled.wanted():
            raise ImportError(f"{compiled.NATIVE_VARIABLE}=0")
        from sightline.io import native

        made: Any = native.NativeRecords(consumer, on_error)
    except ImportError as error:
        log.info("records come as Python objects, which costs more", extra={"why": str(error)})
        return None
    log.info("records come natively", extra={"librdkafka": made.version})
    return made  # type: ignore[no-any-return]


__all__ = ["Batch", "BatchConsumer", "MessageBatch", "OnError", "Raw"]
