"""Stage 2: partials of all source partitions merged, in one partition of the repartition topic.

The topic is its own changelog. A partial replaces what its source partition said of the same window and group before,
if it includes as much or more; so records may come twice, and from an instance that lost its partition.

A window is closed once the lowest watermark of the source partitions that are not idle has passed its end and lateness.
A partition never heard of is not idle: it holds everything back until it says something. If all are idle nothing
moves. What comes for a closed window is either a repeat, or late: a partition that was idle resumed.

After a restart the records from `MergeCheckpoint.offset` on are read again. Those below the position in its metadata
rebuild open windows only.
"""

from collections.abc import Collection
from typing import NamedTuple

from sightline.query.windows.functions.base import Accumulator
from sightline.query.windows.metadata import Heard, Metadata, decode, encode
from sightline.query.windows.records import RepartitionRecord
from sightline.query.windows.spec import NEVER_US
from sightline.query.windows.values import Key
from sightline.query.windows.windowing import STATE_KEYS_MAX, Partial, StateFullError, Windowing

SOURCES_MAX = 200
"""Source partitions at most: what is known of each is committed, and Kafka allows 4,096 bytes with an offset
(`offset.metadata.max.bytes`)."""


class Ready(NamedTuple):
    """A result: `revision` is "" in append mode, else the rows by source partition, such as "0:12,3:7"."""

    start_us: int
    key: Key
    accumulator: Accumulator
    revision: str


class LatePartial(NamedTuple):
    """`rows` more rows of `source` came for a closed window; they are in no result."""

    source: int
    start_us: int
    key: Key
    rows: int


class MergeCheckpoint(NamedTuple):
    """What to commit: `offset` is the lowest that an open window needs."""

    offset: int
    metadata: str


class MergeState:
    """`sources` are all source partitions there are."""

    def __init__(
        self,
        windowing: Windowing,
        sources: Collection[int],
        committed: MergeCheckpoint | None = None,
        keys_max: int = STATE_KEYS_MAX,
    ) -> None:
        """`committed` is where reading begins (None: at 0). Raises ValueError if its metadata is not of this class, or
        for more than SOURCES_MAX sources."""
        if max(sources, default=0) >= SOURCES_MAX:
            raise ValueError(f"at most {SOURCES_MAX} source partitions can be merged")
        self._spec, self._aggregation = windowing.spec, windowing.aggregation
        self._update = self._spec.emit == "update"
        self._keys_max = keys_max
        self.position = committed.offset if committed else 0
        """The offset after the last record applied."""
        self.closed_us = NEVER_US
        """Windows closed by this watermark are done. It never falls."""
        self.key_count = 0
        self._sources: dict[int, Heard | None] = dict.fromkeys(sources)
        self._windows: dict[int, dict[Key, dict[int, Partial]]] = {}
        self._needed: dict[int, int] = {}
        self._changed: dict[tuple[int, Key], None] = {}
        # Rows given out of partitions that had not closed the window themselves, so that what is late can be counted.
        self._given: dict[int, dict[tuple[int, Key], int]] = {}
        self._rebuilt_until = 0
        if committed and committed.metadata:
            self._read_metadata(committed.metadata)

    def apply(self, record: RepartitionRecord, offset: int) -> list[LatePartial]:
        """One record of the topic. Raises StateFullError, and ValueError for a source partition that is not expected:
        the source topic has grown since the start."""
        if record.source not in self._sources:
            raise ValueError(f"source partition {record.source} is new: start again to know it")
        source = self._sources[record.source] or Heard()
        late = []
        for partial in record.partials:
            if self._spec.closes_us(partial.start_us) > self.closed_us:
                self._replace(record.source, partial, offset)
                continue
            rows = self._late_rows(record.source, source, partial)
            if rows and offset >= self._rebuilt_until:
                late.append(LatePartial(record.source, partial.start_us, partial.key, rows))
        self._sources[record.source] = source
        if record.watermark_us > source.watermark_us:
            source.watermark_us = record.watermark_us
            self._drop_given(record.source, record.watermark_us)
        if record.included >= source.included:
            source.included, source.idle = record.included, record.idle
        self.position = max(self.position, offset + 1)
        return late

    def advance(self) -> list[Ready]:
        """Results that are due after the records so far, ordered by window. Their accumulators are the caller's."""
        if self.position < self._rebuilt_until:
            return []
        ready = self._take_changed() if self._update else []
        watermark = self._watermark()
        if watermark <= self.closed_us:
            return ready
        until = self._spec.closed_until(watermark)
        for start in sorted(each for each in self._windows if each <= until):
            groups = self._windows.pop(start)
            self.key_count -= len(groups)
            del self._needed[start]
            for key, partials in groups.items():
                if not self._update:
                    ready.append(self._ready(start, key, partials))
                self._remember_given(start, key, partials)
        self.closed_us = watermark
        return ready

    def checkpoint(self) -> MergeCheckpoint:
        """Take it right after `advance`, and commit it once all results so far are acknowledged."""
        offset = min(self._needed.values(), default=self.position)
        if self.position < self._rebuilt_until:
            return MergeCheckpoint(min(offset, self.position), self._metadata(self._rebuilt_until))
        return MergeCheckpoint(offset, self._metadata(self.position))

    def _replace(self, source: int, partial: Partial, offset: int) -> None:
        groups = self._windows.setdefault(partial.start_us, {})
        self._needed.setdefault(partial.start_us, offset)
        partials = groups.get(partial.key)
        if partials is None:
            partials = groups[partial.key] = {}
            self.key_count += 1
            if self.key_count > self._keys_max:
                raise StateFullError(self._keys_max)
        held = partials.get(source)
        if held is not None and held.included > partial.included:
            return
        partials[source] = partial
        new = held is None or held.accumulator[1] != partial.accumulator[1]
        if new and self._update and offset >= self._rebuilt_until:
            self._changed[partial.start_us, partial.key] = None

    def _late_rows(self, number: int, source: Heard, partial: Partial) -> int:
        if self._spec.closes_us(partial.start_us) <= source.watermark_us:
            return 0  # the partition closed the window and sent all of it before: this is a repeat
        given = self._given.setdefault(number, {})
        group = (partial.start_us, partial.key)
        rows = int(partial.accumulator[1])
        before = given.get(group, 0)
        given[group] = max(rows, before)
        return max(rows - before, 0)

    def _remember_given(self, start_us: int, key: Key, partials: dict[int, Partial]) -> None:
        for number, partial in partials.items():
            source = self._sources[number]
            if source is not None and source.watermark_us < self._spec.closes_us(start_us):
                self._given.setdefault(number, {})[start_us, key] = partial.accumulator[1]

    def _drop_given(self, number: int, watermark_us: int) -> None:
        if given := self._given.get(number):
            kept = {group: rows for group, rows in given.items() if self._spec.closes_us(group[0]) > watermark_us}
            self._given[number] = kept

    def _watermark(self) -> int:
        """The lowest of those not idle; `NEVER_US` if one was never heard of or all are idle."""
        known = [each for each in self._sources.values() if each is not None]
        if len(known) < len(self._sources):
            return NEVER_US
        return min((each.watermark_us for each in known if not each.idle), default=NEVER_US)

    def _take_changed(self) -> list[Ready]:
        changed = [self._ready(start, key, self._windows[start][key]) for start, key in sorted_by_start(self._changed)]
        self._changed.clear()
        return changed

    def _ready(self, start_us: int, key: Key, partials: dict[int, Partial]) -> Ready:
        merged = self._aggregation.fresh()
        for number in sorted(partials):
            self._aggregation.merge(merged, partials[number].accumulator)
        revision = ",".join(f"{number}:{partials[number].accumulator[1]}" for number in sorted(partials))
        return Ready(start_us, key, merged, revision if self._update else "")

    def _metadata(self, position: int) -> str:
        return encode(Metadata(position, self.closed_us, self._sources))

    def _read_metadata(self, text: str) -> None:
        metadata = decode(text)
        self._rebuilt_until, self.closed_us = metadata.position, metadata.closed_us
        self._sources |= {number: each for number, each in metadata.sources.items() if number in self._sources}


def sorted_by_start(groups: Collection[tuple[int, Key]]) -> list[tuple[int, Key]]:
    """Keys themselves can't be ordered: one may be NULL."""
    return sorted(groups, key=lambda each: each[0])
