"""One partition of the repartition topic: partial aggregates of all source partitions, merged and sent to the sink."""

import time
from collections.abc import Callable

from confluent_kafka import TopicPartition

from services.stream_joiner.emitters import LocalEmitter
from services.stream_joiner.outcomes import Outcomes
from services.stream_joiner.sink import Sink
from sightline.events import Reason
from sightline.io.records import Batch
from sightline.query.windows.merge import MergeState
from sightline.query.windows.records import Codec

COMMIT_AGAIN_S = 3_600.0
"""Kafka forgets what is committed for a topic that its group does not subscribe to, unless it is committed again
(`offsets.retention.minutes`, a week)."""


class MergePartition:
    """Its topic is its own changelog: what is committed is the lowest offset that an open window needs."""

    def __init__(
        self, at: TopicPartition, state: MergeState, codec: Codec, emitter: LocalEmitter, outcomes: Outcomes, sink: Sink
    ) -> None:
        self.topic, self.partition, self.state = at.topic, at.partition, state
        self._codec, self._emitter, self._outcomes, self._sink = codec, emitter, outcomes, sink
        self._waiting = 0
        self.committed: tuple[int, str] | None = None
        self._committed_s = 0.0

    def received(self, batch: Batch) -> None:
        for offset, value in zip(batch.offsets, batch.values(), strict=True):
            record = self._codec.read_repartition(value or b"")
            if record is None:
                continue  # Of another input, before the topic was made anew or the group was changed.
            for late in self.state.apply(record, offset):
                detail = "its window was emitted while its partition was idle"
                letter = self._outcomes.refused_group(late.start_us, late.key, detail, late.rows, Reason.LATE)
                self._sink.send(letter, self._sent())
        for ready in self.state.advance():
            self._emitter.emit(ready.start_us, ready.key, ready.accumulator, ready.revision, self._sent())

    @property
    def settled(self) -> bool:
        """All that was sent is acknowledged."""
        return not self._waiting

    def offset(self) -> TopicPartition | None:
        """What to commit, if it has moved or was committed long ago."""
        checkpoint, now_s = self.state.checkpoint(), time.monotonic()
        if tuple(checkpoint) == self.committed and now_s - self._committed_s < COMMIT_AGAIN_S:
            return None
        self.committed, self._committed_s = (checkpoint.offset, checkpoint.metadata), now_s
        return TopicPartition(self.topic, self.partition, checkpoint.offset, checkpoint.metadata)

    def _sent(self) -> Callable[[], object]:
        self._waiting += 1
        return self._acknowledged

    def _acknowledged(self) -> None:
        self._waiting -= 1
