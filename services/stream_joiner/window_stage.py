"""The windows of one source partition, and where what they give goes.

With the source's partition key in GROUP BY a group lives in one partition: its rows go to the sink (`LocalEmitter`).
Otherwise partial aggregates go to the repartition topic, by group key, and are merged there (`RepartitionEmitter`).
"""

import zlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from services.stream_joiner.outcomes import Outcomes
from services.stream_joiner.sink import Output, Sink
from sightline.events import Reason
from sightline.query.compiling.query import Query
from sightline.query.windows.records import ChangelogRecord, Codec, RepartitionRecord
from sightline.query.windows.spec import NEVER_US
from sightline.query.windows.state import Closed, WindowState
from sightline.query.windows.windowing import Partial


class Emitter(Protocol):
    """`safe` is called once all that came of the groups is acknowledged."""

    merging: bool
    """Partitions are merged where it sends to, and those that are idle left out there."""

    def closed(self, windows: "SourceWindows", groups: Sequence[Closed], safe: Callable[[], object]) -> None: ...

    def advanced(self, windows: "SourceWindows") -> None:
        """Rows came, and no group was closed."""
        ...

    def changed(self, windows: "SourceWindows", groups: Sequence[Closed]) -> None: ...

    def idle(self, windows: "SourceWindows", is_idle: bool) -> None: ...


class SourceWindows:
    """Stage 1 of one source partition. `position` is the offset below which all is in `state`."""

    def __init__(self, partition: int, state: WindowState, position: int, emitter: Emitter, idle_s: float) -> None:
        self.partition, self.state, self.position = partition, state, position
        self._emitter, self._idle_s = emitter, idle_s
        self._quiet_since_s: float | None = None
        self.is_idle: bool | None = None
        """None: the one who had the partition before may have said either."""
        self.announced_us = NEVER_US
        """Windows that start until here are closed, and who waits for us was told."""
        self._followed_us = NEVER_US
        self.safe_us = NEVER_US
        """The largest event time in the newest checkpoint that is safe."""
        self.sent = InOrder()

    def replaying(self, offset: int) -> bool:
        """Rows from `offset` on may be in the state already."""
        return offset < self.state.replay_until

    def take_late(self) -> list[Any]:
        """What is known of the rows that were late since the last call."""
        late, self.state.late = self.state.late, []
        return late

    def released(self, position: int, top_us: int | None) -> None:
        """Everything below `position` is in the state. `top_us`: the event times seen, where nothing is open."""
        self.position = position
        if top_us is not None and top_us > self.state.top_us:
            self.state.top_us = top_us
        if not self.following:
            self._close()

    def heard(self) -> None:
        """A record came: the partition is not idle."""
        self._quiet_since_s = None
        if self.is_idle is not False:
            self.is_idle = False
            self._emitter.idle(self, False)

    def check_idle(self, now_s: float, caught_up: bool) -> None:
        """`caught_up`: a broker said a moment ago that there is nothing to read."""
        if not caught_up:
            self._quiet_since_s = None
        elif self._quiet_since_s is None:
            self._quiet_since_s = now_s
        elif not self.is_idle and now_s - self._quiet_since_s >= self._idle_s:
            self.is_idle = True
            self._emitter.idle(self, True)

    @property
    def following(self) -> bool:
        """Event time was driven by others, and no checkpoint that says so is safe."""
        return self._followed_us > self.safe_us

    def follow(self, watermark_us: int, at_once: bool) -> None:
        """An idle partition's windows are closed by `watermark_us`, that of others, if nobody merges them.

        `at_once`: what comes of them goes out together with the checkpoint. Else that must be safe before: rows of the
        partition may still come, and must find their window closed after a crash too.
        """
        if self._emitter.merging or not self.is_idle:
            return
        if not self.following and self.state.closes(watermark_us):
            self._followed_us = self.state.advance(watermark_us)
        if at_once or not self.following:
            self._close()

    def _close(self) -> None:
        if groups := self.state.close():
            self._emitter.closed(self, groups, lambda: self.state.forget((each.start_us, each.key) for each in groups))
        else:
            self._emitter.advanced(self)

    def checkpoint(self, emit_changes: bool) -> list[ChangelogRecord]:
        """The changelog's records of the state at `position`; first, in update mode, what has changed is emitted."""
        if emit_changes and (changed := self.state.changed()):
            self._emitter.changed(self, changed)
        return self.state.checkpoint(self.position)


class LocalEmitter:
    """To the sink."""

    merging = False

    def __init__(self, query: Query, outcomes: Outcomes, sink: Sink, windows_counter: Callable[[], object]) -> None:
        assert query.windowing
        self._query, self._outcomes, self._sink = query, outcomes, sink
        self._aggregation, self._spec = query.windowing.aggregation, query.windowing.spec
        self._count = windows_counter

    def closed(self, windows: SourceWindows, groups: Sequence[Closed], safe: Callable[[], object]) -> None:
        if self._spec.emit == "update":
            groups = windows.state.changed()
        self._all(windows, groups, safe)

    def changed(self, windows: SourceWindows, groups: Sequence[Closed]) -> None:
        self._all(windows, groups, lambda: None)

    def _all(self, windows: SourceWindows, groups: Sequence[Closed], safe: Callable[[], object]) -> None:
        acknowledged = windows.sent.batch(len(groups), safe)
        for each in groups:
            revision = f"{windows.partition}:{each.accumulator[1]}" if self._spec.emit == "update" else ""
            self.emit(each.start_us, each.key, each.accumulator, revision, acknowledged)

    def advanced(self, windows: SourceWindows) -> None:
        """Nobody else waits for this partition."""

    def idle(self, windows: SourceWindows, is_idle: bool) -> None:
        """Nobody else waits for this partition."""

    def emit(
        self, start_us: int, key: Any, accumulator: Any, revision: str, acknowledged: Callable[[], object]
    ) -> None:
        """One group's row, if HAVING lets it pass; a group that can't be computed is dead-lettered."""
        end_us = start_us + self._spec.size_us
        try:
            values = self._aggregation.result(accumulator)
            row = self._query.project(start_us, end_us, key, values)
        except Exception as error:
            detail = f"{type(error).__name__}: {error}"
            letter = self._outcomes.refused_group(start_us, key, detail, accumulator[1], Reason.EVAL_ERROR)
            self._sink.send(letter, acknowledged)
            return
        if row is None:
            acknowledged()
            return
        self._count()
        self._sink.send(self._outcomes.window(row, start_us, end_us, key, revision), acknowledged)


class RepartitionEmitter:
    """To the repartition topic, whose partition is that of the group key; every partition hears the watermark."""

    merging = True

    def __init__(self, query: Query, sink: Sink, codec: Codec, topic: str, partitions: int) -> None:
        assert query.windowing
        self._keys, self._codec = query.windowing.keys, codec
        self._spec = query.windowing.spec
        self._update = self._spec.emit == "update"
        self._sink, self._topic, self._partitions = sink, topic, partitions

    def closed(self, windows: SourceWindows, groups: Sequence[Closed], safe: Callable[[], object]) -> None:
        changed = [*windows.state.changed(), *groups] if self._update else groups
        self._send(windows, changed, safe)

    def changed(self, windows: SourceWindows, groups: Sequence[Closed]) -> None:
        self._send(windows, groups, lambda: None)

    def advanced(self, windows: SourceWindows) -> None:
        """Windows in which only others have groups are closed too."""
        if self._closed_until(windows) > windows.announced_us:
            self._send(windows, [], lambda: None)

    def idle(self, windows: SourceWindows, is_idle: bool) -> None:
        """A partition that goes idle may never close its windows, so it sends them as they are."""
        self._send(windows, windows.state.opened() if is_idle else [], lambda: None)

    def _closed_until(self, windows: SourceWindows) -> int:
        watermark_us = windows.state.watermark_us
        return NEVER_US if watermark_us == NEVER_US else self._spec.closed_until(watermark_us)

    def _send(self, windows: SourceWindows, groups: Sequence[Closed], safe: Callable[[], object]) -> None:
        state = windows.state
        windows.announced_us = self._closed_until(windows)
        parts: list[list[Partial]] = [[] for _ in range(self._partitions)]
        for each in state.partials(groups, windows.position):
            parts[partition_of(self._keys.encode(each.key), self._partitions)].append(each)
        values = [
            (number, value)
            for number, partials in enumerate(parts)
            for value in self._codec.repartition(
                RepartitionRecord(
                    windows.partition, windows.position, state.watermark_us, windows.is_idle is True, partials
                )
            )
        ]
        acknowledged = windows.sent.batch(len(values), safe)
        for number, value in values:
            self._sink.send(Output(self._topic, None, value, None, number), acknowledged)


class InOrder:
    """Calls back when all records of a batch are acknowledged, and of every batch before it."""

    def __init__(self) -> None:
        self._batches: deque[_Batch] = deque()

    def batch(self, records: int, then: Callable[[], object]) -> Callable[[], object]:
        """What to call for each record; of none, `then` may be called at once."""
        batch = _Batch(records, then)
        self._batches.append(batch)
        self._advance()

        def acknowledged() -> None:
            batch.left -= 1
            self._advance()

        return acknowledged

    def _advance(self) -> None:
        while self._batches and not self._batches[0].left:
            self._batches.popleft().then()


@dataclass
class _Batch:
    left: int
    then: Callable[[], object]


def partition_of(key: bytes, partitions: int) -> int:
    """The same for the same group in every instance and version."""
    return zlib.crc32(key) % partitions
