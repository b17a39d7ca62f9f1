"""What is committed when: every commit interval, and when partitions go.

At-least-once: the offsets below which all is acknowledged. A windowed partition first writes its state to the
changelog, in this order:
1. `checkpoint` takes the state at the offset up to which everything has been released.
2. Once all that was sent before is acknowledged, its records are produced, the marker last.
3. Once they are acknowledged, its offset is committed.

Exactly-once: all of it goes into one transaction, see transactions.py.
"""

import logging
from collections.abc import Iterable

from confluent_kafka import KafkaError, TopicPartition

from services.stream_joiner.changelog import Changelog, Restored
from services.stream_joiner.merge_stage import MergePartition
from services.stream_joiner.partition import SourcePartition
from services.stream_joiner.reader import Place
from services.stream_joiner.sink import Sink

log = logging.getLogger(__name__)

COMMITTED_UNKNOWN = -1


class Assigned:
    """Partitions that are ours, by place."""

    def __init__(self) -> None:
        self.sources: dict[Place, SourcePartition] = {}
        self.merges: dict[Place, MergePartition] = {}

    def among(self, partitions: Iterable[TopicPartition]) -> "Assigned":
        """Those of `partitions` that are ours."""
        found = Assigned()
        for each in partitions:
            place = (each.topic, each.partition)
            if (source := self.sources.get(place)) is not None:
                found.sources[place] = source
            elif (merge := self.merges.get(place)) is not None:
                found.merges[place] = merge
        return found


class Commits:
    """For the engine. `changelog` where there are windows."""

    def __init__(self, sink: Sink, changelog: Changelog | None, interval_s: float) -> None:
        self._sink, self._changelog = sink, changelog
        self._interval_s, self._next_s = interval_s, 0.0

    def begin(self, source: SourcePartition, restored: Restored | None) -> None:
        """A partition has come, with what was written down of it."""
        if self._changelog and restored and restored.position is not None:
            self._changelog.resume(source, restored.position)
        elif self._changelog:
            self._changelog.begin(source)

    def forget(self, source: SourcePartition) -> None:
        """The partition is no longer ours."""
        if self._changelog:
            self._changelog.forget(source)

    def tick(self, now_s: float, ours: Assigned) -> None:
        if now_s >= self._next_s:
            self._next_s = now_s + self._interval_s
            self.commit(ours)

    def commit(self, which: Assigned) -> None:
        """As far as they are done by now."""
        if self._sink.busy:
            return
        if self._changelog:
            for source in which.sources.values():
                self._changelog.step(source)
        offsets = self.offsets(which)
        if offsets or (self._sink.exactly_once and not self._sink.settled()):
            self._sink.commit(offsets)

    def offsets(self, which: Assigned) -> list[TopicPartition]:
        """How far each is done, where that has moved; they count as committed from now on."""
        offsets = []
        for place, source in which.sources.items():
            until = self._done_until(source)
            if until is not None and until != source.log.committed:
                source.log.committed = until
                offsets.append(TopicPartition(*place, until))
        for merge in which.merges.values():
            if (merge.settled or self._sink.exactly_once) and (offset := merge.offset()) is not None:
                offsets.append(offset)
        return offsets

    def failed(self, error: KafkaError, which: Assigned) -> None:
        """The broker has refused an asynchronous commit: it is sent again with the next."""
        log.warning("commit failed", extra={"why": error.str()})
        for source in which.sources.values():
            source.log.committed = COMMITTED_UNKNOWN
        for merge in which.merges.values():
            merge.committed = None

    def complete(self, which: Assigned) -> bool:
        """Their state is written down up to their ends."""
        written = self._changelog.written_until if self._changelog else None
        return written is None or all(written(each) == each.log.position for each in which.sources.values())

    def _done_until(self, source: SourcePartition) -> int | None:
        if self._changelog:
            return self._changelog.written_until(source)
        return source.log.released_until if self._sink.exactly_once else source.log.done_until
