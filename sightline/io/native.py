"""Records straight from librdkafka, by the extension `_batches`: no Python object for a record until one is asked for.

The queue of each partition is forwarded to one of our own, so that records come there and `Consumer.poll` is left with
rebalances, errors and log lines. A record fetched before a seek, a pause or an unassign carries an older version than
its partition, and librdkafka drops it when it is taken out, as it does for `Consumer.consume`.

Importing raises ImportError where the extension was not built, or confluent-kafka is not one that it knows.
"""

import time
from collections.abc import Sequence
from weakref import WeakSet

from confluent_kafka import Consumer, KafkaError, TopicPartition, cimpl
from confluent_kafka import version as client_version

from sightline.io import _batches
from sightline.io.batches import SERVE_S, OnError
from sightline.io.clients import KNOWN_MAJOR
from sightline.io.records import Batch, Raw, RawBatch

if str(client_version()).partition(".")[0] != KNOWN_MAJOR:
    raise ImportError(f"confluent-kafka is {client_version()}, known is {KNOWN_MAJOR}")

if not hasattr(_batches.Batch, "timestamp_ms_min"):
    raise ImportError("the extension was built from older source: install again")

VERSION = _batches.load(cimpl.__file__)


class NativeBatch:
    """`Batch` over librdkafka's own messages. Looking at it keeps none of them as Python objects."""

    __slots__ = ("__weakref__", "_made", "_native", "bytes", "partition", "topic", "value_bytes_max")

    def __init__(self, native: _batches.Batch) -> None:
        self._native: _batches.Batch | None = native
        self._made: RawBatch | None = None
        self.topic, self.partition = native.topic, native.partition
        self.bytes, self.value_bytes_max = native.bytes, native.value_bytes_max

    def __len__(self) -> int:
        return len(self._any())

    @property
    def offsets(self) -> Sequence[int]:
        found = self._any()
        return found.offsets if isinstance(found, RawBatch) else memoryview(found.packed_offsets()).cast("q")

    @property
    def timestamps_ms(self) -> Sequence[int]:
        found = self._any()
        if isinstance(found, RawBatch):
            return found.timestamps_ms
        return memoryview(found.packed_timestamps_ms()).cast("q")

    @property
    def timestamp_ms_min(self) -> int:
        return self._any().timestamp_ms_min

    def values(self) -> "list[bytes | None]":
        return self._any().values()

    def lines(self) -> "bytes | None":
        return self._any().lines()

    def record(self, index: int) -> Raw:
        return Raw(*self._any().record(index))

    def detach(self) -> None:
        """Go on without librdkafka."""
        native = self._native
        if native is not None:
            records = [Raw(*native.record(index)) for index in range(len(native))]
            self._made = RawBatch(self.topic, self.partition, records)
            self._native = None

    def _any(self) -> "_batches.Batch | RawBatch":
        native = self._native
        return native if native is not None else self._made  # type: ignore[return-value]


class NativeRecords:
    """`Records` of `sightline.io.batches`. Raises ImportError where the consumer is not as it should be."""

    version = VERSION

    def __init__(self, consumer: Consumer, on_error: OnError) -> None:
        self._queue, self._on_error = _batches.Queue(consumer), on_error
        self._partitions: set[tuple[str, int]] = set()
        self._lent: WeakSet[NativeBatch] = WeakSet()
        self._forward_due_s = 0.0

    def forward(self, partitions: set[tuple[str, int]]) -> None:
        # librdkafka takes a forward back when it has stopped fetching a partition, which is after the unassign and may
        # be after the next assign. What comes in between waits in the partition's queue until this is done again.
        self._partitions = partitions
        for topic, partition in partitions:
            self._queue.forward(topic, partition)
        self._forward_due_s = time.monotonic() + SERVE_S

    def poll(self, timeout_s: float, records_max: int) -> list[Batch]:
        if time.monotonic() >= self._forward_due_s:
            self.forward(self._partitions)
        found, errors = self._queue.poll(round(timeout_s * 1000), records_max)
        batches = [NativeBatch(each) for each in found]
        for batch in batches:
            self._lent.add(batch)
        for code, text, topic, partition, offset in errors:
            error = KafkaError(code, text, fatal=code == KafkaError._FATAL)
            self._on_error(error, TopicPartition(topic or "", partition, offset))
        return list(batches)

    def close(self) -> None:
        """librdkafka does not end while somebody has its messages."""
        for batch in list(self._lent):
            batch.detach()
        self._queue.close()
