"""Records straight from librdkafka, by the extension `_batches`: no Python object for a record until one is asked for.

The queue of each partition is forwarded to one of our own, so that records come there and `Consumer.poll` is left with
rebalances, errors and log lines. A record fetched before a seek, a pause or an unassign carries an older version than
its partition, and librdkafka drops it when it is taken out, as it does for `Consumer.consume`.

Importing raises ImportError where the extension was not built, or confluent-kafka is not one that it knows.
"""

import time
from math import ceil

from confluent_kafka import Consumer, KafkaError, TopicPartition, cimpl
from confluent_kafka import version as client_version

from sightline.io import _batches
from sightline.io.batches import SERVE_S, OnError
from sightline.io.clients import KNOWN_MAJOR
from sightline.io.records import Batch, Raw

if str(client_version()).partition(".")[0] != KNOWN_MAJOR:
    raise ImportError(f"confluent-kafka is {client_version()}, known is {KNOWN_MAJOR}")

if not hasattr(_batches.Batch, "offsets"):
    raise ImportError("the extension was built from older source: install again")

VERSION = _batches.load(cimpl.__file__, Raw)


class NativeRecords:
    """`Records` of `sightline.io.batches`. Raises ImportError where the consumer is not as it should be."""

    version = VERSION

    def __init__(self, consumer: Consumer, on_error: OnError) -> None:
        self._queue, self._on_error = _batches.Queue(consumer), on_error
        self._partitions: set[tuple[str, int]] = set()
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
        batches, errors = self._queue.poll(ceil(timeout_s * 1000), records_max)
        for code, text, topic, partition, offset in errors:
            error = KafkaError(code, text, fatal=code == KafkaError._FATAL)
            self._on_error(error, TopicPartition(topic or "", partition, offset))
        return batches

    def close(self) -> None:
        self._queue.close()
