"""Where a table's rows are kept: what every store does, and the one that keeps them in memory.

One thread writes (puts, deletes, commits). One other thread looks up: it calls `refresh` now and then, and between two
calls a store on disk shows one state, that of a commit. The store in memory shows each row as soon as it is put; a row
is always whole, the old or the new.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from sightline.query.tables.rows import PrimaryKey, Row, RowType

KeyFunction = Callable[[Row], Any | None]

NO_ROWS: tuple[Row, ...] = ()


class Stamp(NamedTuple):
    """Which record last spoke of a key; kept only where a table has several partitions."""

    timestamp_ms: int
    partition: int


class Index(NamedTuple):
    """`name` says what `key` computes: an index of the same name in a snapshot is used as it is."""

    name: str
    key: KeyFunction


class Store(Protocol):
    """A deletion with a stamp is remembered with it: an older record of another partition then has no effect."""

    @property
    def count(self) -> int:
        """Rows, versions each as one."""
        ...

    @property
    def remembered(self) -> int:
        """Deletions remembered."""
        ...

    def get(self, key: PrimaryKey) -> Row | None: ...
    def put(self, key: PrimaryKey, row: Row, stamp: Stamp | None) -> None: ...
    def delete(self, key: PrimaryKey, stamp: Stamp | None) -> None: ...
    def stamp(self, key: PrimaryKey) -> Stamp | None: ...
    def alias(self, record_key: bytes) -> PrimaryKey | None: ...
    def set_alias(self, record_key: bytes, key: PrimaryKey | None) -> None: ...
    def items(self) -> Iterator[tuple[PrimaryKey, Row | None, Stamp | None]]:
        """Everything there is; the row of a remembered deletion is None."""
        ...

    def aliases(self) -> Iterator[tuple[bytes, PrimaryKey]]: ...
    def add_index(self, index: Index) -> None: ...
    def commit(self) -> None: ...

    # By the thread that looks up.

    def find(self, key: Any, default: Sequence[Row]) -> Sequence[Row]:
        """Of a table without versions."""
        ...

    def find_at(self, key: Any, time_us: int) -> Sequence[Row]:
        """Of a table with versions."""
        ...

    def find_by(self, index: int, key: Any, time_us: int) -> Sequence[Row]:
        """By an added index, numbered from 0; ordered by primary key."""
        ...

    def refresh(self) -> None: ...
    def close(self) -> None: ...


class Versions:
    """Versions of one key by `valid_from`. Grown at the end in place, changed anywhere else by a copy: a reader of
    another thread sees one or the other."""

    __slots__ = ("rows", "starts")

    def __init__(self, starts: list[int], rows: list[tuple[Row]]) -> None:
        self.starts, self.rows = starts, rows

    def with_row(self, start: int, row: Row) -> "Versions":
        if not self.starts or start > self.starts[-1]:
            self.rows.append((row,))
            self.starts.append(start)
            return self
        at = bisect_left(self.starts, start)
        after = at + (self.starts[at] == start)
        return Versions([*self.starts[:at], start, *self.starts[after:]], [*self.rows[:at], (row,), *self.rows[after:]])

    def without(self, start: int) -> "Versions":
        at = bisect_left(self.starts, start)
        return Versions(self.starts[:at] + self.starts[at + 1 :], self.rows[:at] + self.rows[at + 1 :])

    def get(self, start: int) -> Row | None:
        at = bisect_left(self.starts, start)
        return self.rows[at][0] if at < len(self.starts) and self.starts[at] == start else None


class MemoryStore:
    """Dictionaries. A row's one-tuple is in the dictionary, so that a look-up is one `get`."""

    def __init__(self, kind: RowType) -> None:
        self._kind = kind
        self.count = 0
        self._rows: dict[Any, Any] = {}
        self._stamps: dict[PrimaryKey, Stamp] = {}
        self._aliases: dict[bytes, PrimaryKey] = {}
        self._indexes: list[tuple[Index, dict[Any, dict[PrimaryKey, Row]]]] = []
        self.find = self._rows.get

    @property
    def remembered(self) -> int:
        return len(self._stamps) - self.count if self._stamps else 0

    def get(self, key: PrimaryKey) -> Row | None:
        if self._kind.versioned:
            versions = self._rows.get(key[0])
            return versions.get(key[1]) if versions else None
        return self._rows.get(key, (None,))[0]

    def put(self, key: PrimaryKey, row: Row, stamp: Stamp | None) -> None:
        before = self.get(key)
        self.count += before is None
        if self._kind.versioned:
            versions = self._rows.get(key[0]) or Versions([], [])
            self._rows[key[0]] = versions.with_row(key[1], row)
        else:
            self._rows[key] = (row,)
        self._reindex(key, before, row)
        if stamp:
            self._stamps[key] = stamp

    def delete(self, key: PrimaryKey, stamp: Stamp | None) -> None:
        before = self.get(key)
        if before is not None:
            self.count -= 1
            self._forget(key)
            self._reindex(key, before, None)
        if stamp:
            self._stamps[key] = stamp
        else:
            self._stamps.pop(key, None)

    def _forget(self, key: PrimaryKey) -> None:
        if not self._kind.versioned:
            del self._rows[key]
        elif (left := self._rows[key[0]].without(key[1])).starts:
            self._rows[key[0]] = left
        else:
            del self._rows[key[0]]

    def stamp(self, key: PrimaryKey) -> Stamp | None:
        return self._stamps.get(key)

    def alias(self, record_key: bytes) -> PrimaryKey | None:
        return self._aliases.get(record_key)

    def set_alias(self, record_key: bytes, key: PrimaryKey | None) -> None:
        if key is None:
            self._aliases.pop(record_key, None)
        else:
            self._aliases[record_key] = key

    def items(self) -> Iterator[tuple[PrimaryKey, Row | None, Stamp | None]]:
        stamps = self._stamps
        for key, row in self._all():
            yield key, row, stamps.get(key)
        for key, stamp in stamps.items():
            if self.get(key) is None:
                yield key, None, stamp

    def _all(self) -> Iterator[tuple[PrimaryKey, Row]]:
        if not self._kind.versioned:
            yield from ((key, row) for key, (row,) in self._rows.items())
            return
        for key, versions in self._rows.items():
            yield from (((key, start), row) for start, (row,) in zip(versions.starts, versions.rows, strict=True))

    def aliases(self) -> Iterator[tuple[bytes, PrimaryKey]]:
        return iter(self._aliases.items())

    def add_index(self, index: Index) -> None:
        entries: dict[Any, dict[PrimaryKey, Row]] = {}
        for key, row in self._all():
            if (value := index.key(row)) is not None:
                entries.setdefault(value, {})[key] = row
        self._indexes.append((index, entries))

    def _reindex(self, key: PrimaryKey, before: Row | None, row: Row | None) -> None:
        for index, entries in self._indexes:
            old = None if before is None else index.key(before)
            new = None if row is None else index.key(row)
            if new is not None:
                entries.setdefault(new, {})[key] = row
            if old is not None and old != new:
                entries[old].pop(key, None)
                if not entries[old]:
                    del entries[old]

    def commit(self) -> None:
        """Nothing to do: rows are there when they are put."""

    def find_at(self, key: Any, time_us: int) -> Sequence[Row]:
        versions = self._rows.get(key)
        if versions is None or (at := bisect_right(versions.starts, time_us) - 1) < 0:
            return NO_ROWS
        found: tuple[Row] = versions.rows[at]
        to_of = self._kind.to_of
        if to_of is not None and (end := to_of(found[0])) is not None and time_us >= end:
            return NO_ROWS
        return found

    def find_by(self, index: int, key: Any, time_us: int) -> Sequence[Row]:
        definition, entries = self._indexes[index]
        found = entries.get(key)
        if found is None:
            return NO_ROWS
        rows = list(found.items())  # a copy in one step: the writer may change it
        if not self._kind.versioned:
            rows.sort(key=_first)
            return [row for _, row in rows]
        return versions_at(self, definition, key, time_us, {primary[0] for primary, _ in rows})

    def refresh(self) -> None:
        """Nothing to do: rows are seen when they are put."""

    def close(self) -> None:
        """Nothing to do."""


def versions_at(store: Store, index: Index, key: Any, time_us: int, keys: set[Any]) -> list[Row]:
    """Those valid at the time, of keys that have had `key` in the index at some time."""
    valid = (row for each in sorted(keys) for row in store.find_at(each, time_us))
    return [row for row in valid if index.key(row) == key]


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]
