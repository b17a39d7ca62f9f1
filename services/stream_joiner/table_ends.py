"""The ends of a table's topic, asked of the broker without waiting for the answer."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

from sightline.io.kafka import Brokers, admin, end_offsets

log = logging.getLogger(__name__)

Ends = dict[int, int]

ASK_S = 2.0


class EndsQuery:
    """`arrived(asked, ends)` hears each answer with the monotonic time of its question, on the Kafka client's thread.

    One question is under way at a time; a later one waits for it.
    """

    def __init__(
        self, brokers: Brokers, partitions: list[TopicPartition], arrived: Callable[[float, Ends], object]
    ) -> None:
        self._brokers, self._partitions, self._arrived = brokers, partitions, arrived
        self._admin = admin(brokers)  # the consumer is the reader's, and busy
        self._lock = threading.Lock()
        self._asked: float | None = None
        self._wanted = 0.0

    def ask(self, now: float) -> None:
        """For the ends as they are at `now` or later."""
        with self._lock:
            self._wanted = max(self._wanted, now)
            if self._asked is not None:
                return
            self._asked = time.monotonic()
        self._send()

    def wait(self) -> Ends | None:
        """The ends now; blocks. None if there was no answer."""
        try:
            return end_offsets(self._admin, self._partitions, ASK_S)
        except KafkaException as error:
            self._failed(error)
            return None

    def _send(self) -> None:
        asked = self._admin.list_offsets(
            dict.fromkeys(self._partitions, OffsetSpec.latest()), request_timeout=ASK_S
        ).items()
        ends: Ends = {}

        def answered(partition: int, future: "Future[Any]") -> None:
            error = future.exception()
            ends[partition] = -1 if error else future.result().offset
            if len(ends) == len(self._partitions):
                self._answered(ends, error if isinstance(error, KafkaException) else None)

        for partition, future in asked:
            future.add_done_callback(lambda done, number=partition.partition: answered(number, done))

    def _answered(self, ends: Ends, error: KafkaException | None) -> None:
        with self._lock:
            assert self._asked is not None
            asked = self._asked
            failed = error is not None or min(ends.values()) < 0
            again = not failed and self._wanted > asked
            self._asked = time.monotonic() if again else None
        if failed:
            self._failed(error)
        else:
            self._arrived(asked, ends)
        if again:
            self._send()

    def _failed(self, error: KafkaException | None) -> None:
        why = error.args[0].str() if error else "a partition did not answer"
        log.warning("no end offsets", extra={"topic": self._partitions[0].topic, "why": why})
        # After a broker's restart librdkafka's admin client asks with the leader epoch of before, for ever.
        # The old one is let go on another thread than its own, which a callback runs on and could not end.
        threading.Thread(target=self._renew, daemon=True).start()

    def _renew(self) -> None:
        self._admin = admin(self._brokers)
