"""Where what the windows of a source partition give goes.

With the source's partition key in GROUP BY a group lives in one partition: its rows go to the sink (`LocalEmitter`).
Otherwise partial aggregates go to the repartition topic, by group key, and are merged there (`RepartitionEmitter`).
"""

import zlib
from collections.abc import Callable, Sequence
from typing import Any

from services.stream_joiner.outcomes import Outcomes
from services.stream_joiner.sink import Output, Sink
from services.stream_joiner.window_stage import SourceWindows
from sightline.events import Reason
from sightline.query.compiling.query import Query
from sightline.query.windows.records import Codec, RepartitionRecord
from sightline.query.windows.spec import NEVER_US
from sightline.query.windows.state import Closed
from sightline.query.windows.windowing import Partial


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


def partition_of(key: bytes, partitions: int) -> int:
    """The same for the same group in every instance and version."""
    return zlib.crc32(key) % partitions
