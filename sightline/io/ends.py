"""Where partitions end, as a broker says now."""

import time
from collections.abc import Iterable

from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

from sightline.io.clients import SILENT_S
from sightline.io.kafka import Brokers, reader_config

Ends = dict[tuple[str, int], int]
"""By topic and partition, the offset after the last record, those of open transactions included."""


class EndOffsets:
    """Asks by a client that is kept: a new one takes hundreds of milliseconds to know the brokers.

    It is a consumer, which learns a partition's new leader from an error. librdkafka's admin client does not: after a
    broker's restart it asks with the leader epoch of before until its metadata is five minutes old.
    """

    def __init__(self, brokers: str | Brokers) -> None:
        self._config = reader_config(brokers) | {"isolation.level": "read_uncommitted"}
        self._consumer, self._answered_s = Consumer(self._config), time.monotonic()

    def ask(self, partitions: Iterable[TopicPartition], timeout_s: float = 5) -> Ends:
        """Blocks. Raises KafkaException while no broker answers; then it may be asked again."""
        asked = [TopicPartition(each.topic, each.partition, OFFSET_END) for each in partitions]
        try:
            found = self._consumer.offsets_for_times(asked, timeout_s) if asked else []
            for each in found:
                if each.error is not None:
                    raise KafkaException(each.error)
        except KafkaException:
            self._renew()
            raise
        self._answered_s = time.monotonic()
        return {(each.topic, each.partition): each.offset for each in found}

    def _renew(self) -> None:
        """Once a broker has told it that there is no broker and no partition, it would believe that for minutes."""
        if (now_s := time.monotonic()) - self._answered_s > SILENT_S:
            self._consumer.close()
            self._consumer, self._answered_s = Consumer(self._config), now_s

    def close(self) -> None:
        self._consumer.close()
