"""One table: rows kept current from records or replaced from a file, found by key, by other columns, and by time.

    records → apply → store in memory ─(too many rows)→ store on disk
                             └─(now and then)→ snapshot        look-ups: the store that `refresh` last chose

One thread applies and commits; one other thread looks up and calls `refresh` before each batch of events.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from sightline.events import Reason, Refusal
from sightline.query.pipeline import Table
from sightline.query.schema import Lookup
from sightline.query.tables.disk import DiskStore
from sightline.query.tables.environment import STORE_BYTES_MAX
from sightline.query.tables.rows import PrimaryKey, Row, RowType
from sightline.query.tables.snapshot import Position, Snapshot
from sightline.query.tables.stores import Index, KeyFunction, MemoryStore, Stamp, Store

ROWS_MAX = 10_000_000
MEMORY_ROWS_MAX = 200_000
VALUE_BYTES_MAX = 1 << 20
REMEMBERED_MAX = 100_000
"""Deletions kept in mind for tables of several partitions, in case an older record of another one comes later."""


@dataclass(frozen=True)
class TableLimits:
    """`memory_rows_max`: more rows than this are kept on disk. `value_bytes_max`: of a record."""

    rows_max: int = ROWS_MAX
    memory_rows_max: int = MEMORY_ROWS_MAX
    value_bytes_max: int = VALUE_BYTES_MAX
    store_bytes_max: int = STORE_BYTES_MAX


class TableRows:
    """The rows of a table whose columns are known. `partitions` of its topic; with one there are no conflicts.

    With a snapshot it begins with the rows that are there, as of `position`.
    """

    def __init__(
        self,
        name: str,
        table: Table,
        limits: TableLimits = TableLimits(),
        *,
        partitions: int = 1,
        snapshot: Snapshot | None = None,
    ) -> None:
        self.name, self.kind = name, RowType(table)
        self.conflicts = 0
        self._limits, self._stamped = limits, partitions > 1
        self._snapshot = snapshot
        self._indexes: list[Index] = []
        # Held while rows change; never by a look-up.
        self._writing = threading.RLock()
        self._store: Store = MemoryStore(self.kind)
        self._next: Store | None = None
        self._choosing = threading.Lock()
        if snapshot:
            snapshot.open(self.kind, self._stamped, limits.store_bytes_max)
            self._begin_from(snapshot)
        self._show(self._store)

    # Setting up.

    def add_index(self, key: KeyFunction, name: str = "") -> int:
        """For look-ups by `key(row)`, rows where it is None left out. Returns the number for `lookup`.

        `name` says what `key` computes, its SQL text say: a snapshot's index of that name need not be built again.
        Rows may be there already.
        """
        with self._writing:
            index = Index(name, key)
            self._indexes.append(index)
            self._store.add_index(index)
            return len(self._indexes)

    def lookup(self, index: int = 0) -> Lookup:
        """By the declared key (0) or an added index; the function stays right whatever store the rows are in."""
        if index > 0:
            return Lookup(lambda: partial(self._shown.find_by, index - 1))
        if self.kind.versioned:
            return Lookup(lambda: self._shown.find_at)
        return Lookup(lambda: self._shown.find, timed=False)

    # By the thread that looks up.

    def refresh(self) -> None:
        """From now on look-ups see what is committed now. Costs under a microsecond; call it before each batch."""
        if self._next is not None:
            with self._choosing:
                before, store = self._shown, self._next
                self._next = None
            self._show(store)
            before.close()
        self._shown.refresh()

    def _show(self, store: Store) -> None:
        self._shown = store

    # By the thread that writes.

    @property
    def row_count(self) -> int:
        return self._store.count

    @property
    def on_disk(self) -> bool:
        return isinstance(self._store, DiskStore)

    @property
    def position(self) -> Position | None:
        """Of the rows that a snapshot gave; None where there was none."""
        return self._snapshot.position if self._snapshot else None

    def apply(self, key: bytes | None, value: bytes | None, timestamp_ms: int, partition: int) -> Refusal | None:
        """One record. A refused one changes nothing: the version before it stays.

        A null value deletes what its record key last stood for, or else what it names: the key, as text, or
        `{"key": …, "valid_from": …}`. Of equal keys in two partitions the newest record timestamp wins, counted in
        `conflicts`.
        """
        if value is None:
            return self._delete(key, Stamp(timestamp_ms, partition))
        if len(value) > self._limits.value_bytes_max:
            return self._refusal(key, f"{len(value)} bytes, allowed are {self._limits.value_bytes_max}")
        try:
            row = self.kind.decode(value)
        except ValueError as error:
            return self._refusal(key, str(error))
        with self._writing:
            primary = self.kind.primary_key(row)
            if self._is_full(primary):
                return Refusal(
                    Reason.BAD_TABLE_ROW, f"table {self.name!r} is full: {self._limits.rows_max} rows are allowed"
                )
            if self._is_newest(primary, Stamp(timestamp_ms, partition)):
                self._put(primary, row, Stamp(timestamp_ms, partition) if self._stamped else None)
                if key is not None:
                    self._note_alias(key, primary)
        return None

    def put(self, row: Row) -> bool:
        """A file's row. Returns whether it replaced one of the same key. Raises ValueError if the table is full."""
        with self._writing:
            primary, before = self.kind.primary_key(row), self._store.count
            if self._is_full(primary):
                raise ValueError(f"more than {self._limits.rows_max} rows")
            self._put(primary, row, None)
            return self._store.count == before

    def commit(self, position: Mapping[int, int] | None = None, *, complete_ms: int = 0) -> None:
        """What was applied is seen at the next `refresh`; a snapshot keeps it with this position.

        `complete_ms` is the wall clock at which the topic held nothing that the rows do not.
        """
        with self._writing:
            if self._snapshot and position is not None:
                self._snapshot.note(position, complete_ms)
            self._store.commit()

    def save(self) -> None:
        """Bring the snapshot up to date, where the rows are in memory."""
        with self._writing:
            if self._snapshot and not self.on_disk:
                self._snapshot.save(self._store)

    def replace(self, other: "TableRows") -> None:
        """Take over the rows of a table filled beside this one; look-ups see them from the next `refresh`."""
        with self._writing:
            for index in self._indexes[len(other._indexes) :]:
                other.add_index(index.key, index.name)
            other._store.commit()
            self.conflicts = other.conflicts
            self._turn_to(other._store)

    def empty_copy(self, table: Table) -> "TableRows":
        """For `replace`: the same limits and indexes, no rows."""
        copy = TableRows(self.name, table, self._limits)
        for index in self._indexes:
            copy.add_index(index.key, index.name)
        return copy

    def close(self) -> None:
        """Once nobody looks up any more."""
        for store in {id(each): each for each in (self._shown, self._next, self._store) if each}.values():
            store.close()
        if self._snapshot:
            self._snapshot.close()

    def _begin_from(self, snapshot: Snapshot) -> None:
        if snapshot.count > self._limits.memory_rows_max:
            self._store = snapshot.store
        else:
            snapshot.load_into(self._store)

    def _put(self, primary: PrimaryKey, row: Row, stamp: Stamp | None) -> None:
        self._store.put(primary, row, stamp)
        if isinstance(self._store, MemoryStore):
            if self._snapshot:
                self._snapshot.changed.add(primary)
            if self._store.count > self._limits.memory_rows_max:
                self._spill()

    def _spill(self) -> None:
        """Too many rows for memory: they go to the snapshot's store, or to one that lives as long as the process."""
        memory = self._store
        if self._snapshot:
            self._snapshot.save(memory)
            disk = self._snapshot.store
        else:
            disk = DiskStore(self.kind, stamped=self._stamped, bytes_max=self._limits.store_bytes_max)
            for key, row, stamp in memory.items():
                if row is None:
                    disk.delete(key, stamp)
                else:
                    disk.put(key, row, stamp)
            for record_key, key in memory.aliases():
                disk.set_alias(record_key, key)
        for index in self._indexes:
            disk.add_index(index)
        disk.commit()
        self._turn_to(disk)

    def _turn_to(self, store: Store) -> None:
        with self._choosing:
            unseen, self._next, self._store = self._next, store, store
        if unseen is not None:
            unseen.close()

    def _delete(self, key: bytes | None, stamp: Stamp) -> Refusal | None:
        if key is None:
            return Refusal(Reason.BAD_TABLE_ROW, f"table {self.name!r}: a record without key and value")
        with self._writing:
            primary = self._store.alias(key)
            if primary is None:
                primary = self.kind.record_key(key)
            if primary is not None and self._is_newest(primary, stamp):
                # A deletion is remembered as long as there is room: it only settles races of two partitions.
                remember = self._stamped and self._store.remembered < REMEMBERED_MAX
                self._store.delete(primary, stamp if remember else None)
                if self._snapshot and not self.on_disk:
                    self._snapshot.changed.add(primary)
        return None

    def _note_alias(self, record_key: bytes, primary: PrimaryKey) -> None:
        alias = None if self.kind.record_key(record_key) == primary else primary
        self._store.set_alias(record_key, alias)
        if self._snapshot and not self.on_disk:
            self._snapshot.changed_aliases.add(record_key)

    def _is_full(self, primary: PrimaryKey) -> bool:
        return self._store.count >= self._limits.rows_max and self._store.get(primary) is None

    def _is_newest(self, primary: PrimaryKey, stamp: Stamp) -> bool:
        """Inside one partition the later offset is newer, whatever its timestamp says."""
        if not self._stamped:
            return True
        before = self._store.stamp(primary)
        if before is None or before.partition == stamp.partition:
            return True
        self.conflicts += 1
        return stamp.timestamp_ms >= before.timestamp_ms

    def _refusal(self, key: bytes | None, why: str) -> Refusal:
        shown = "none" if key is None else repr(key[:100].decode(errors="replace"))
        return Refusal(Reason.BAD_TABLE_ROW, f"table {self.name!r}, key {shown}: {why}")
