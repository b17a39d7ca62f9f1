"""The changelog of window state: written in checkpoints, read when a partition comes to us."""

import logging
import time
from collections.abc import Iterator
from typing import NamedTuple

from confluent_kafka import KafkaError, TopicPartition

from services.stream_joiner.partition import SourcePartition
from services.stream_joiner.sink import Output, Sink
from services.stream_joiner.window_stage import SourceWindows
from sightline.io.clients import Consumer, Silence
from sightline.io.ends import EndOffsets
from sightline.io.kafka import Brokers, reader_config
from sightline.io.offsets import patiently
from sightline.query.windows.records import ChangelogRecord
from sightline.query.windows.state import WindowState, restore
from sightline.query.windows.windowing import Windowing

log = logging.getLogger(__name__)

POLL_S = 0.02
RECORDS_MAX = 10_000

_TO_THE_END = {"enable.partition.eof": True, "fetch.wait.max.ms": 10}
"""The end is told by a fetch that finds nothing: it should not wait for something."""


class Restored(NamedTuple):
    """`position` is None where nothing was written down: `state` is empty."""

    state: WindowState
    position: int | None


class Written(NamedTuple):
    """A changelog topic, and whose entries in it are meant: of which consumer group and source topic."""

    topic: str
    tag: str


class _Pending(NamedTuple):
    """A checkpoint that waits until all that was sent before it is acknowledged."""

    windows: SourceWindows
    position: int
    top_us: int
    records: list[ChangelogRecord]


class Changelog:
    """Writes the checkpoints of the partitions that are ours."""

    def __init__(self, topic: str, sink: Sink) -> None:
        self._topic, self._sink = topic, sink
        self._pending: dict[int, _Pending] = {}
        self._written: dict[int, int] = {}
        self._under_way: dict[int, int] = {}

    def resume(self, source: SourcePartition, position: int) -> None:
        """The state came from a checkpoint at `position`."""
        self._written[source.log.partition] = position

    def begin(self, source: SourcePartition) -> None:
        """Before the first row: a restored state then knows where it began."""
        assert source.windows
        self._produce(source.log.partition, self._checkpoint(source.windows, emit_changes=False))

    def step(self, source: SourcePartition) -> None:
        """Take a checkpoint if the one before is written and something has happened; produce it when it may be."""
        windows, partition = source.windows, source.log.partition
        assert windows
        if self._sink.exactly_once:
            # The transaction has all that was sent until now: so must the state that goes with it.
            if windows.position != self.written_until(source) or windows.following:
                self._produce(partition, self._checkpoint(windows))
            return
        if partition not in self._pending and partition not in self._under_way:
            if windows.position == self._written.get(partition) and not windows.following:
                return
            self._pending[partition] = self._checkpoint(windows)
        pending = self._pending.get(partition)
        if pending and source.log.done_until >= pending.position:
            del self._pending[partition]
            self._produce(partition, pending)

    def written_until(self, source: SourcePartition) -> int | None:
        """The position of the newest checkpoint that is safe, or (exactly-once) goes into the next transaction."""
        partition = source.log.partition
        if self._sink.exactly_once:
            return self._under_way.get(partition, self._written.get(partition))
        return self._written.get(partition)

    def forget(self, source: SourcePartition) -> None:
        for each in (self._pending, self._written, self._under_way):
            each.pop(source.log.partition, None)

    def _checkpoint(self, windows: SourceWindows, emit_changes: bool = True) -> _Pending:
        top_us = windows.state.top_us
        return _Pending(windows, windows.position, top_us, windows.checkpoint(emit_changes))

    def _produce(self, partition: int, checkpoint: _Pending) -> None:
        self._under_way[partition] = checkpoint.position
        *before, last = checkpoint.records
        for key, value in before:
            self._sink.send(Output(self._topic, key, value, None, partition))

        def written() -> None:
            if self._under_way.get(partition) == checkpoint.position:
                del self._under_way[partition]
                self._written[partition] = checkpoint.position
                checkpoint.windows.saved(checkpoint.top_us)

        self._sink.send(Output(self._topic, *last, None, partition), written)


class StateReader:
    """Reads states back. Its clients are kept: new ones take hundreds of milliseconds to know the brokers."""

    def __init__(
        self, brokers: Brokers, written: Written, windowing: Windowing, keys_max: int, exactly_once: bool
    ) -> None:
        self._written, self._windowing = written, windowing
        self._keys_max, self._exactly_once = keys_max, exactly_once
        self._consumer = Consumer(reader_config(brokers) | _TO_THE_END, seldom=True)
        self._ends = EndOffsets(brokers)

    def read(self, partition: int) -> Restored:
        """What the changelog holds of a partition, read to its end. Blocks. Raises ValueError for what is not ours."""
        started_s = time.monotonic()
        records = self._records(TopicPartition(self._written.topic, partition, 0))
        state, marker = restore(
            self._windowing,
            records,
            keys_max=self._keys_max,
            tag=self._written.tag,
            resend=not self._exactly_once,
        )
        if marker is None:
            return Restored(state, None)
        if self._exactly_once:
            # What came of the windows that are closed was committed with this state.
            state.forget((each.start_us, each.key) for each in state.close())
        seconds = round(time.monotonic() - started_s, 3)
        log.info("state restored", extra={"partition": partition, "keys": state.key_count, "seconds": seconds})
        return Restored(state, marker.position)

    def _records(self, at: TopicPartition) -> Iterator[tuple[bytes, bytes | None]]:
        """To the end as it is now. Of an open transaction the end is waited for: it may be our predecessor's last."""
        end = patiently(lambda: self._ends.ask([at]))[at.topic, at.partition]
        self._consumer.assign([at])
        silence = Silence(self._consumer)
        while True:
            messages = self._consumer.consume(RECORDS_MAX, POLL_S)
            silence.heard(messages)
            for message in messages:
                error = message.error()
                if error is None:
                    yield message.key() or b"", message.value()
                elif error.code() != KafkaError._PARTITION_EOF:
                    log.warning("changelog", extra={"why": error.str()})
                elif (message.offset() or 0) >= end:
                    self._consumer.unassign()
                    return
