"""All partitions that are ours: who gets a batch, which are idle, which rest. What is committed when: commits.py."""

from collections.abc import Callable
from queue import SimpleQueue
from typing import cast

from confluent_kafka import KafkaError, TopicPartition

from services.stream_joiner.changelog import Restored
from services.stream_joiner.commits import Assigned, Commits
from services.stream_joiner.merge_stage import MergePartition
from services.stream_joiner.metrics import Metrics
from services.stream_joiner.partition import SourcePartition
from services.stream_joiner.reader import Place, States
from services.stream_joiner.sink import Output, Sink
from sightline.io.records import Batch
from sightline.query.windows.spec import NEVER_US

Make = Callable[[TopicPartition, Restored | None], SourcePartition | MergePartition]


class Engine:
    """Everything here is called by the engine's owner alone."""

    def __init__(self, make: Make, sink: Sink, metrics: Metrics, commits: Commits) -> None:
        self._make, self._sink, self._metrics, self._commits = make, sink, metrics, commits
        self._ours = Assigned()
        self.sources, self.merges = self._ours.sources, self._ours.merges
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
            self._commits.begin(made, restored)

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
        self._commits.tick(now_s, self._ours)

    def settle(self, partitions: list[TopicPartition]) -> bool:
        leaving = self._ours.among(partitions)
        sources = leaving.sources.values()
        self._sink.poll()
        for each in sources:
            each.work()
        open_records = any(len(each.log) or each.waiting for each in sources)
        if self._sink.exactly_once:
            # What others have sent is in the same transaction, so their offsets are too.
            self._commits.commit(self._ours)
        elif open_records:
            return False
        else:
            self._commits.commit(leaving)
        return self._sink.settled() and not open_records and self._commits.complete(leaving)

    def released(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        if self._sink.exactly_once and not self._sink.settled():
            raise RuntimeError("partitions are taken away, and the transaction that they are in is not done in time")
        leaving = self._ours.among(partitions)
        offsets = [] if self._sink.exactly_once else self._commits.offsets(leaving)
        for place in [*leaving.sources, *leaving.merges]:
            self._close(place)
        return offsets

    def lost(self, partitions: list[TopicPartition]) -> None:
        self._sink.abandon()
        for each in partitions:
            self._close((each.topic, each.partition))

    def skipped(self, records: int) -> None:
        self._metrics.skipped.inc(records)

    def committed(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        if error is not None:
            self._commits.failed(error, self._ours.among(partitions))

    @property
    def busy(self) -> bool:
        # A partition that rests may wait for no more than an acknowledgement.
        return self._sink.pressing or bool(self.resting) or any(each.waiting for each in self.sources.values())

    # What is read when Prometheus asks.

    @property
    def newest_us(self) -> int:
        return max((each.newest_us for each in self.sources.values()), default=0)

    @property
    def state_keys(self) -> int:
        held = [each.windows.state.key_count for each in self.sources.values() if each.windows]
        return sum(held) + sum(each.state.key_count for each in self.merges.values())

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

    def _close(self, place: Place) -> None:
        """No longer ours: answers that come late find its log closed."""
        self.resting -= {place}
        self.merges.pop(place, None)
        if source := self.sources.pop(place, None):
            source.close()
            self._commits.forget(source)
            self._metrics.forget_lag(self._metrics.pipeline, place[1])
