"""What is done, committed asynchronously a few times a second, and the brake when too much is open."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

from confluent_kafka import Consumer, KafkaError, TopicPartition

from services.stream_joiner.metrics import Metrics
from services.stream_joiner.sink import Output, Sink
from sightline.offsets import PartitionLog

log = logging.getLogger(__name__)

ACKNOWLEDGE_S = 0.01
"""How often acknowledgements are collected. Commits wait for them; alerts do not."""

LAG_S = 1.0


class Checkpoint:
    """The partitions that are ours, how far each is done, and whether they are paused."""

    def __init__(self, sink: Sink, metrics: Metrics, commit_interval_ms: int) -> None:
        self._sink, self._metrics, self._interval_s = sink, metrics, commit_interval_ms / 1e3
        self._paused = False
        self._next_commit = self._next_lag = 0.0
        self.logs: dict[int, PartitionLog[Output]] = {}
        self.later: Callable[[Callable[[Consumer], object]], None] = lambda work: None

    @property
    def open_events(self) -> int:
        return sum(map(len, self.logs.values()))

    async def run(self, too_much: Callable[[], bool]) -> None:
        """Until cancelled. `too_much` says whether the partitions should rest."""
        while True:
            await self.next_acknowledgements()
            self._brake(too_much())
            now = time.monotonic()
            if now >= self._next_commit:
                self._next_commit = now + self._interval_s
                self.commit()
            if now >= self._next_lag:
                self._next_lag = now + LAG_S
                self.later(self._measure_lag)

    async def next_acknowledgements(self) -> None:
        await asyncio.sleep(ACKNOWLEDGE_S)
        self._sink.poll()

    def commit(self) -> None:
        """Offsets that moved since the last time, asynchronously."""
        if moved := [each for each in self.logs.values() if each.done_until > each.committed]:
            for each in moved:
                each.committed = each.done_until
            offsets = self.offsets(each.partition for each in moved)
            self.later(lambda consumer: consumer.commit(offsets=offsets, asynchronous=True))

    def offsets(self, partitions: Iterable[int]) -> list[TopicPartition]:
        """How far each of these is done."""
        logs = [self.logs[each] for each in partitions if each in self.logs]
        return [TopicPartition(each.topic, each.partition, each.done_until) for each in logs]

    def committed(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        """The broker's answer to an asynchronous commit; one that failed is sent again with the next."""
        if error is None:
            return
        log.warning("commit failed", extra={"why": error.str()})
        for each in partitions:
            if partition_log := self.logs.get(each.partition):
                partition_log.committed = -1

    def close(self, partitions: list[int]) -> None:
        """These are no longer ours: answers that come late find their log closed."""
        for each in partitions:
            if partition_log := self.logs.pop(each, None):
                partition_log.close()
                self._metrics.forget_lag(self._metrics.pipeline, each)

    def _brake(self, too_much: bool) -> None:
        """Paused partitions are still polled, so the group keeps us, and nothing new comes."""
        if too_much or self._paused:
            partitions = [TopicPartition(each.topic, each.partition) for each in self.logs.values()]
            self.later(lambda consumer: (consumer.pause if too_much else consumer.resume)(partitions))
        self._paused = too_much

    def _measure_lag(self, consumer: Consumer) -> None:
        """From what the client knows already, without asking the broker."""
        for each in list(self.logs.values()):
            _, high = consumer.get_watermark_offsets(TopicPartition(each.topic, each.partition), cached=True)
            self._metrics.lag(self._metrics.pipeline, each.partition, max(0, high - each.done_until))
