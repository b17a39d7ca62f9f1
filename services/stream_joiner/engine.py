"""All partitions that are ours: who gets a batch, what is committed when, which partitions rest.

At-least-once. Outputs are produced as they come. Every commit interval: the offsets below which all is acknowledged.
A windowed partition first writes its state to the changelog, in this order:
1. `checkpoint` takes the state at the offset up to which everything has been released.
2. Once all that was sent before is acknowledged, its records are produced, the marker last.
3. Once they are acknowledged, its offset is committed.

Exactly-once. Every commit interval all of it goes into one transaction, see transactions.py.
"""

import logging
from collections.abc import Callable
from queue import SimpleQueue
from typing import cast

from confluent_kafka import KafkaError, TopicPartition

from services.stream_joiner.changelog import Changelog, Restored
from services.stream_joiner.merge_stage import MergePartition
from services.stream_joiner.metrics import Metrics
from services.stream_joiner.partition import SourcePartition
from services.stream_joiner.reader import Place, States
from services.stream_joiner.sink import Output, Sink
from sightline.io.records import Batch
from sightline.query.windows.spec import NEVER_US

log = logging.getLogger(__name__)

Make = Callable[[TopicPartition, Restored | None], SourcePartition | MergePartition]

COMMITTED_UNKNOWN = -1


class Engine:
    """Everything here is called by the engine's owner alone."""

    def __init__(
        self, make: Make, sink: Sink, metrics: Metrics, changelog: Changelog | None, commit_interval_s: float
    ) -> None:
        self._make, self._sink, self._metrics, self._changelog = make, sink, metrics, changelog
        self._interval_s, self._next_commit_s = commit_interval_s, 0.0
        self.sources: dict[Place, SourcePartition] = {}
        self.merges: dict[Place, MergePartition] = {}
        self.resting: frozenset[Place] = frozenset()
        self.refused_rows: SimpleQueue[Output] = SimpleQueue()
        """Dead letters of tables' rows; any thread may put them here."""
        self.measure: Callable[[float], None] = lambda now_s: None
        """Called at each tick."""
        self.caught_up: Callable[[str, int, int], bool] = lambda topic, partition, position: False
        """Whether a partition has nothing to read from `position` on, as far as is known."""

    # From the source.

    def assigned(self, partitions: list[TopicPartition], states: States) -> None:
        for each in partitions:
            place = (each.topic, each.partition)
            self._close(place)
            restored = cast(Restored | None, states.get(place))
            made = self._make(each, restored)
            if isinstance(made, MergePartition):
                self.merges[place] = made
                continue
            self.sources[place] = made
            if self._changelog and restored and restored.position is not None:
                self._changelog.resume(made, restored.position)
            elif self._changelog:
                self._changelog.begin(made)

    def received(self, batches: list[Batch]) -> None:
        for batch in batches:
            place = (batch.topic, batch.partition)
            if (source := self.sources.get(place)) is not None:
                source.received(batch)
            elif (merge := self.merges.get(place)) is not None:
                merge.received(batch)
        if self.sources:
            self._brake()

    def ended(self, topic: str, partition: int, offset: int) -> None:
        if (source := self.sources.get((topic, partition))) is not None:
            source.ended(offset)

    def tick(self, now_s: float) -> None:
        self._sink.poll()
        self._send_refused_rows()
        for source in self.sources.values():
            if source.waiting:
                source.work()
        self._check_idle(now_s)
        self._brake()
        self.measure(now_s)
        if now_s >= self._next_commit_s:
            self._next_commit_s = now_s + self._interval_s
            self._commit(list(self.sources), list(self.merges))

    def settle(self, partitions: list[TopicPartition]) -> bool:
        sources, merges = self._ours(partitions)
        self._sink.poll()
        for place in sources:
            self.sources[place].work()
        open_records = any(len(self.sources[each].log) or self.sources[each].waiting for each in sources)
        if self._sink.exactly_once:
            # What others have sent is in the same transaction, so their offsets are too.
            self._commit(list(self.sources), list(self.merges))
        elif open_records:
            return False
        else:
            self._commit(sources, merges)
        return self._sink.settled() and not open_records and self._is_written(sources)

    def released(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        sources, merges = self._ours(partitions)
        if self._sink.exactly_once and not self._sink.settled():
            raise RuntimeError("partitions are taken away, and the transaction that they are in is not done in time")
        offsets = [] if self._sink.exactly_once else self._offsets(sources, merges)
        for place in [*sources, *merges]:
            self._close(place)
        return offsets

    def lost(self, partitions: list[TopicPartition]) -> None:
        self._sink.abandon()
        for each in partitions:
            self._close((each.topic, each.partition))

    def skipped(self, records: int) -> None:
        self._metrics.skipped.inc(records)

    def committed(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        """The broker's answer to an asynchronous commit; one that failed is sent again with the next."""
        if error is None:
            return
        log.warning("commit failed", extra={"why": error.str()})
        for each in partitions:
            if (source := self.sources.get((each.topic, each.partition))) is not None:
                source.log.committed = COMMITTED_UNKNOWN
            if (merge := self.merges.get((each.topic, each.partition))) is not None:
                merge.committed = None

    @property
    def busy(self) -> bool:
        return not self._sink.settled() or any(each.waiting for each in self.sources.values())

    # What is read when Prometheus asks.

    @property
    def newest_us(self) -> int:
        return max((each.newest_us for each in self.sources.values()), default=0)

    @property
    def state_keys(self) -> int:
        held = [each.windows.state.key_count for each in self.sources.values() if each.windows]
        return sum(held) + sum(each.state.key_count for each in self.merges.values())

    # Commits.

    def _commit(self, sources: list[Place], merges: list[Place]) -> None:
        if self._sink.busy:
            return
        if self._changelog:
            for place in sources:
                self._changelog.step(self.sources[place])
        offsets = self._offsets(sources, merges)
        if offsets or (self._sink.exactly_once and not self._sink.settled()):
            self._sink.commit(offsets)

    def _offsets(self, sources: list[Place], merges: list[Place]) -> list[TopicPartition]:
        """How far each is done, where that has moved."""
        offsets = []
        for place in sources:
            source = self.sources[place]
            until = self._done_until(source)
            if until is not None and until != source.log.committed:
                source.log.committed = until
                offsets.append(TopicPartition(*place, until))
        for place in merges:
            merge = self.merges[place]
            if (merge.settled or self._sink.exactly_once) and (offset := merge.offset()) is not None:
                offsets.append(offset)
        return offsets

    def _done_until(self, source: SourcePartition) -> int | None:
        if self._changelog:
            return self._changelog.written_until(source)
        return source.log.released_until if self._sink.exactly_once else source.log.done_until

    def _is_written(self, sources: list[Place]) -> bool:
        if self._changelog is None:
            return True
        return all(
            self._changelog.written_until(self.sources[each]) == self.sources[each].log.position for each in sources
        )

    def _send_refused_rows(self) -> None:
        while not self.refused_rows.empty():
            self._sink.send(self.refused_rows.get())

    # Which partitions are idle.

    def _check_idle(self, now_s: float) -> None:
        windowed = [(place, each, each.windows) for place, each in self.sources.items() if each.windows]
        for place, source, windows in windowed:
            windows.check_idle(now_s, source.settled and self.caught_up(*place, source.log.position))
        # The lowest of those that are not idle: where groups are not merged it closes the windows of those that are.
        watermark_us = min((each.state.watermark_us for *_, each in windowed if not each.is_idle), default=NEVER_US)
        for *_, windows in windowed:
            windows.follow(watermark_us)

    # Which partitions rest.

    def _brake(self) -> None:
        self.resting = frozenset(place for place, source in self.sources.items() if source.too_much)

    def _ours(self, partitions: list[TopicPartition]) -> tuple[list[Place], list[Place]]:
        places = [(each.topic, each.partition) for each in partitions]
        return [each for each in places if each in self.sources], [each for each in places if each in self.merges]

    def _close(self, place: Place) -> None:
        """No longer ours: answers that come late find its log closed."""
        self.resting -= {place}
        self.merges.pop(place, None)
        if source := self.sources.pop(place, None):
            source.close()
            if self._changelog:
                self._changelog.forget(source)
            self._metrics.forget_lag(self._metrics.pipeline, place[1])
