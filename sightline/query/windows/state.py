"""Stage 1: what one source partition has in its windows, as a pure function of the partition's log.

Rows come in by generated source (accumulate.py), which reads and writes these attributes:

    windows   start µs → group key → accumulator [epoch, rows, …]
    top_us    the largest event time so far
    epoch     accumulators whose epoch is another have not changed since `dirty` was last taken
    dirty     (start, key, accumulator) of those that changed
    late      what is known of rows that were late, for the caller to take and clear
    included  (start, key) → offset, after a restore: rows below it are in that entry already

The life of a window: open; closed, once the watermark has passed its end and lateness, and then given out by `close`;
forgotten, when the caller says that what it made of it is acknowledged. Until it is forgotten it is restored after a
crash, and given out again.

What a checkpoint writes, in this order, and why a crash after any part of it is harmless:
1. Entries that changed, including those forgotten since. Without the marker after them they are newer than the
   position at which reading resumes: rows below an entry's `included` are then skipped for that entry.
2. The marker. Its `top_us` makes rows of all windows closed so far late, so none of them can be opened again.
3. Tombstones of forgotten windows. Before the marker they would let replayed rows open a window a second time.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sightline.query.windows.functions.base import Accumulator
from sightline.query.windows.records import ChangelogRecord, Codec, Marker, Tombstone
from sightline.query.windows.spec import NEVER_US
from sightline.query.windows.values import Key
from sightline.query.windows.windowing import STATE_KEYS_MAX, Partial, StateFullError, Windowing

Group = tuple[int, Key]
"""A window's start and a group key."""


class Closed(NamedTuple):
    start_us: int
    key: Key
    accumulator: Accumulator


class WindowState:
    def __init__(self, windowing: Windowing, keys_max: int = STATE_KEYS_MAX, tag: str = "") -> None:
        """`tag`: whose checkpoints are meant, see records.py."""
        self.windows: dict[int, dict[Key, Accumulator]] = {}
        self.top_us = NEVER_US
        self.epoch = 0
        self.dirty: list[tuple[int, Key, Accumulator]] = []
        self.late: list[Any] = []
        self.included: dict[Group, int] = {}
        self.replay_until = 0
        """Below this offset rows may be in the state already: they need the replay variant of the source."""
        self.key_count = 0
        self._spec, self._codec, self._keys_max = windowing.spec, Codec(windowing, tag), keys_max
        self._closed: set[int] = set()
        self._closed_until: int | None = None
        self._unsaved: dict[Group, Accumulator] = {}
        self._unsent: dict[Group, Accumulator] = {}
        self._forgotten: list[Group] = []

    @property
    def watermark_us(self) -> int:
        """`NEVER_US` before the first row."""
        return NEVER_US if self.top_us == NEVER_US else self.top_us - self._spec.delay_us

    def created(self, count: int) -> None:
        """Called by the generated source. Raises StateFullError."""
        self.key_count += count
        if self.key_count > self._keys_max:
            raise StateFullError(self._keys_max)

    def close(self, final: bool = False) -> list[Closed]:
        """Groups of windows that were closed since the last call, ordered by start.

        `final` closes all there are: only for input that has an end and is read to it, for more rows would open the
        windows again. In update mode take `changed` too, which has the last change of a closed window.
        """
        until = self._spec.closed_until(self.watermark_us)
        if until == self._closed_until and not final:
            return []
        self._closed_until = until
        starts = sorted(start for start in self.windows if (final or start <= until) and start not in self._closed)
        self._closed.update(starts)
        return [Closed(start, key, acc) for start in starts for key, acc in self.windows[start].items()]

    def closes(self, watermark_us: int) -> bool:
        """Whether that watermark would close a window that is open."""
        until = self._spec.closed_until(watermark_us)
        return any(start <= until and start not in self._closed for start in self.windows)

    def advance(self, watermark_us: int) -> int:
        """Let the watermark be that, if it is not further on: there may be no row so new. Returns `top_us`."""
        self.top_us = max(self.top_us, watermark_us + self._spec.delay_us)
        return self.top_us

    def changed(self) -> list[Closed]:
        """Groups that changed since the last call, forgotten ones excepted. For update mode."""
        self._take_dirty()
        changed = [Closed(start, key, acc) for (start, key), acc in self._unsent.items()]
        self._unsent.clear()
        return changed

    def opened(self) -> list[Closed]:
        """All groups of windows not closed: what a partition that goes idle must send, as it may never close them."""
        groups = self.windows.items()
        return [Closed(s, key, acc) for s, keys in groups if s not in self._closed for key, acc in keys.items()]

    def partials(self, groups: Iterable[Closed], position: int) -> list[Partial]:
        """The groups as partials for a repartition record. Their accumulators are the live ones: encode them before
        more rows come."""
        included = self.included
        return [Partial(s, key, max(position, included.get((s, key), 0)), acc) for s, key, acc in groups]

    def forget(self, groups: Iterable[tuple[int, Key]]) -> None:
        """What was made of these closed (start, key) is acknowledged. Those not there are passed over."""
        for start, key in groups:
            keys = self.windows.get(start)
            if keys is None or keys.pop(key, None) is None:
                continue
            self.key_count -= 1
            self._unsent.pop((start, key), None)
            self._forgotten.append((start, key))
            if not keys:
                del self.windows[start]
                self._closed.discard(start)

    def checkpoint(self, position: int) -> list[ChangelogRecord]:
        """Records to be written in this order. `position` is the offset of the next row, all below are in the state.

        Write one before the first row also, so that a restored state always knows where it began.
        """
        self._take_dirty()
        if self.included and position >= self.replay_until:
            self.included.clear()
        entries = [
            self._codec.entry(each)
            for each in self.partials([Closed(*group, acc) for group, acc in self._unsaved.items()], position)
        ]
        marker = self._codec.marker(Marker(position, self.top_us))
        tombstones = [self._codec.tombstone(*group) for group in self._forgotten]
        self._unsaved.clear()
        self._forgotten.clear()
        return [*entries, marker, *tombstones]

    def drop_changes(self) -> None:
        """What a checkpoint would write: for a run that writes none, and begins anew after a crash."""
        self.dirty.clear()
        self._unsaved.clear()
        self._forgotten.clear()

    def _take_dirty(self) -> None:
        self.epoch += 1
        update = self._spec.emit == "update"
        for start, key, accumulator in self.dirty:
            self._unsaved[start, key] = accumulator
            if update and key in self.windows.get(start, ()):
                self._unsent[start, key] = accumulator
        self.dirty.clear()

    def _load(self, entries: dict[Group, Partial], marker: Marker | None, resend: bool) -> None:
        position = marker.position if marker else 0
        self.top_us = marker.top_us if marker else NEVER_US
        for (start, key), entry in entries.items():
            self.windows.setdefault(start, {})[key] = entry.accumulator
            if entry.included > position:
                self.included[start, key] = entry.included
                self.replay_until = max(self.replay_until, entry.included)
            if resend and self._spec.emit == "update":
                self._unsent[start, key] = entry.accumulator
        self.created(len(entries))


def restore(
    windowing: Windowing,
    records: Iterable[tuple[bytes, bytes | None]],
    *,
    keys_max: int = STATE_KEYS_MAX,
    tag: str = "",
    resend: bool = True,
) -> tuple[WindowState, Marker | None]:
    """The state from the changelog's records in their order, and where to go on reading (None: nothing was written).

    `resend` gives all groups to `changed` again, as it is not known which were acknowledged; not needed where
    changelog and output are written in one transaction. Raises ValueError for records that can't be read, and
    StateFullError.

    An instance that lost its partition may have written after its successor. So of several entries, and of
    markers, the one that includes most counts, and none counts after a tombstone, for a window is never opened twice.
    """
    codec = Codec(windowing, tag)
    entries: dict[Group, Partial] = {}
    gone: set[Group] = set()
    marker: Marker | None = None
    for key, value in records:
        record = codec.read_changelog(key, value)
        if isinstance(record, Marker):
            marker = record if marker is None or record.position >= marker.position else marker
        elif isinstance(record, Tombstone):
            gone.add((record.start_us, record.key))
            entries.pop((record.start_us, record.key), None)
        elif record is not None:
            group = (record.start_us, record.key)
            if group not in gone and (group not in entries or entries[group].included <= record.included):
                entries[group] = record
    state = WindowState(windowing, keys_max, tag)
    state._load(entries, marker, resend)
    return state, marker
