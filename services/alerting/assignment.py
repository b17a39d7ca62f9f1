"""The partitions of matches that are ours: their offsets, their memories, and what is still being read back.

A partition is assigned paused, and its matches are taken once its memory has been read by a thread beside, so the
partitions that were ours before go on meanwhile.
"""

import logging
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from confluent_kafka import OFFSET_BEGINNING, Message, TopicPartition

from services.alerting.entry import Entry
from services.alerting.memory import MemoryReader, Remembered
from services.alerting.parts import Parts
from sightline.alerts.memory import Memory
from sightline.io.kafka import Consumer
from sightline.offsets import PartitionLog

log = logging.getLogger(__name__)

_ASK_TIMEOUT_S = 5.0


class Partition:
    """One partition in one assignment. `log` is the epoch: an answer for an earlier one finds its log closed."""

    def __init__(self, topic: str, partition: int, start: int, reading: Future[Remembered | None]) -> None:
        self.log: PartitionLog[Entry | None] = PartitionLog(topic, partition, start)
        self.start = self.next_offset = start
        self.reading: Future[Remembered | None] | None = reading
        self.passed_over = False
        self._memory: Memory | None = None

    @property
    def remembered(self) -> Memory:
        assert self._memory is not None, "matches are taken only after `install`"
        return self._memory

    def install(self, memory: Memory) -> None:
        self._memory, self.reading = memory, None

    def at(self, offset: int) -> TopicPartition:
        return TopicPartition(self.log.topic, self.log.partition, offset)


class Assignment:
    def __init__(self, parts: Parts, consumer: Consumer) -> None:
        settings = parts.settings
        self._parts, self._consumer = parts, consumer
        self._partitions: dict[tuple[str, int], Partition] = {}
        self._reader = MemoryReader(
            settings.brokers,
            settings.alerts_topic,
            parts.rules,
            settings.dedupe_horizon_s,
            settings.dedupe_ids_max,
            settings.feed_alerts_max,
        )
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="memory")
        self._joined = self._announced = False

    def __iter__(self) -> Iterator[Partition]:
        return iter(self._partitions.values())

    def get(self, at: TopicPartition) -> Partition | None:
        return self._partitions.get((at.topic, at.partition))

    @property
    def loading(self) -> bool:
        return any(partition.reading is not None for partition in self)

    @property
    def open_matches(self) -> int:
        return sum(len(partition.log) for partition in self)

    def add(self, given: list[TopicPartition]) -> None:
        """From the committed offset, or from the beginning where nothing was committed."""
        committed = self._consumer.committed(given, timeout=_ASK_TIMEOUT_S) if given else []
        starts = []
        for each in committed:
            start = each.offset if each.offset >= 0 else OFFSET_BEGINNING
            reading = self._threads.submit(self._reader.read, each.partition)
            self._partitions[each.topic, each.partition] = Partition(each.topic, each.partition, start, reading)
            starts.append(TopicPartition(each.topic, each.partition, start))
        self._consumer.incremental_assign(starts)
        if starts:
            self._consumer.pause(starts)
        log.info("assigned", extra={"partitions": sorted(each.partition for each in given)})
        self._joined = True

    def install_memories(self) -> None:
        """Begin with the partitions whose memory has been read. Raises KafkaException where that failed."""
        for partition in self:
            if partition.reading is None or not partition.reading.done():
                continue
            read = partition.reading.result()
            assert read is not None, "reading is cancelled only when the session is over"
            partition.install(read.memory)
            self._parts.add_past(read.newest)
            if partition.passed_over:
                self._consumer.seek(partition.at(partition.start))
            self._consumer.resume([partition.at(partition.start)])
        if self._joined and not self._announced and not self.loading:
            self._announced = True
            self._parts.ready()

    def accept(self, message: Message) -> Partition | None:
        """The partition of a match that is ours to decide now."""
        partition = self._partitions.get((message.topic(), message.partition()))
        if partition is None:
            return None
        if partition.reading is not None:
            partition.passed_over = True  # fetched in spite of the pause: sought again by install_memories
            return None
        partition.next_offset = message.offset() + 1
        return partition

    def offset_out_of_range(self, message: Message) -> None:
        """The next match is not in the topic: go on with the oldest that is, and say what was lost."""
        partition = self._partitions.get((message.topic(), message.partition()))
        if partition is None:
            return
        asked = partition.at(partition.next_offset)
        low, _ = self._consumer.get_watermark_offsets(asked, timeout=_ASK_TIMEOUT_S)
        skipped = max(0, low - partition.next_offset) if partition.next_offset >= 0 else 0
        log.error(
            "data loss: matches expired before they were read",
            extra={
                "topic": message.topic(),
                "partition": message.partition(),
                "wanted_offset": partition.next_offset,
                "oldest_offset": low,
                "skipped": skipped,
            },
        )
        self._parts.metrics.skipped.inc(skipped)
        partition.log.close()
        partition.log = PartitionLog(message.topic(), message.partition(), low)
        partition.start = partition.next_offset = low
        # The client gave this partition up, so it can't seek in it.
        self._consumer.incremental_unassign([asked])
        self._consumer.incremental_assign([partition.at(low)])
        if partition.reading is not None:
            self._consumer.pause([asked])

    def observe_lag(self) -> None:
        for partition in self:
            low, high = self._consumer.get_watermark_offsets(partition.at(0), cached=True)
            if high >= 0:
                position = partition.next_offset if partition.next_offset >= 0 else max(0, low)
                pipeline = self._parts.topics[partition.log.topic]
                self._parts.metrics.lag(pipeline, partition.log.partition, max(0, high - position))

    def commit_again(self, failed: TopicPartition) -> None:
        """A commit did not arrive: let the next one include it."""
        if (partition := self.get(failed)) is not None:
            partition.log.committed = min(partition.log.committed, partition.start)

    def remove(self, taken: list[TopicPartition]) -> None:
        for each in taken:
            if (partition := self._partitions.pop((each.topic, each.partition), None)) is not None:
                self._forget(partition)
        self._consumer.incremental_unassign(taken)
        log.info("released", extra={"partitions": sorted(each.partition for each in taken)})

    def close(self) -> None:
        self._reader.cancelled.set()
        self._threads.shutdown(cancel_futures=True)
        self._reader.close()
        for partition in self:
            self._forget(partition)

    def _forget(self, partition: Partition) -> None:
        partition.log.close()
        self._parts.metrics.forget_lag(self._parts.topics[partition.log.topic], partition.log.partition)
