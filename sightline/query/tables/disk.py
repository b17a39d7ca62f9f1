"""A table's rows in LMDB: B+trees in a memory-mapped file that one thread writes while another reads a whole state.

    rows      key (and the version's start)  →  [stamp] packed row; or a remembered deletion
    aliases   record key  →  primary key, where the record key does not plainly name it
    index N   key of the index  →  keys in `rows`, several
    meta      what the store holds: counts, names of the indexes, and the owner's own note

A commit is atomic with the owner's note, so a position kept there fits the rows exactly.
"""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import lmdb
import msgspec

from sightline.errors import SightlineError
from sightline.query.tables.environment import INDEXES_MAX, STORE_BYTES_MAX, Meta, StoreFullError, open_environment
from sightline.query.tables.keys import key_bytes, start_bytes, version_prefix
from sightline.query.tables.rows import PrimaryKey, Row, RowType
from sightline.query.tables.stores import NO_ROWS, Index, Stamp, versions_at

_STAMP = struct.Struct(">qi")
_START_BYTES = 8
_DELETED = b"\xc1"
"""In a packed row's place: a byte that MessagePack never uses, then the packed primary key."""


class DiskStore:
    """`stamped`: rows carry the stamp of their record. `durable`: a commit survives a crash of the machine.

    Without a folder the store is in a temporary file, gone when the process is, however that ends.
    """

    def __init__(
        self,
        kind: RowType,
        folder: Path | None = None,
        *,
        stamped: bool = False,
        durable: bool = False,
        bytes_max: int = STORE_BYTES_MAX,
    ) -> None:
        self._kind = kind
        self._stamp_bytes = _STAMP.size if stamped else 0
        self._bytes_max = bytes_max
        self._env = open_environment(folder, bytes_max, durable)
        self._rows, self._aliases, self._meta_db = (self._env.open_db(each) for each in (b"rows", b"aliases", b"meta"))
        self._indexes: list[tuple[Index, Any]] = []
        self._writing: lmdb.Transaction | None = None
        self._reading: lmdb.Transaction | None = None
        self._cursor: lmdb.Cursor | None = None
        with self._env.begin() as reading:
            raw = reading.get(b"meta", db=self._meta_db)
            self._has_aliases = reading.stat(self._aliases)["entries"] > 0
        self._meta = msgspec.msgpack.decode(raw, type=Meta) if raw else Meta()
        self._noted = self._meta.note

    @property
    def count(self) -> int:
        return self._meta.count

    @property
    def note(self) -> bytes:
        """As it was last committed, or set since."""
        return self._meta.note

    @note.setter
    def note(self, note: bytes) -> None:
        self._meta.note = note

    @property
    def remembered(self) -> int:
        return int(self._write().stat(self._rows)["entries"]) - self.count if self._stamp_bytes else 0

    @property
    def file_bytes(self) -> int:
        return int((self._env.info()["last_pgno"] + 1) * self._env.stat()["psize"])

    # By the thread that writes.

    def get(self, key: PrimaryKey) -> Row | None:
        return self._row(self._write().get(self._key(key), db=self._rows))

    def put(self, key: PrimaryKey, row: Row, stamp: Stamp | None) -> None:
        encoded, packed = self._key(key), self._kind.pack(row)
        if self._stamp_bytes:
            packed = _STAMP.pack(*(stamp or (0, 0))) + packed
        before = self._replace(encoded, packed)
        self._meta.count += before is None
        if self._indexes:
            self._reindex(encoded, before, row)

    def delete(self, key: PrimaryKey, stamp: Stamp | None) -> None:
        encoded = self._key(key)
        if stamp and self._stamp_bytes:
            before = self._replace(encoded, _STAMP.pack(*stamp) + _DELETED + self._kind.pack_key(key))
        else:
            before = self._row(self._write().pop(encoded, db=self._rows))
        if before is not None:
            self._meta.count -= 1
            if self._indexes:
                self._reindex(encoded, before, None)

    def stamp(self, key: PrimaryKey) -> Stamp | None:
        raw = self._write().get(self._key(key), db=self._rows) if self._stamp_bytes else None
        return Stamp(*_STAMP.unpack(raw[: _STAMP.size])) if raw else None

    def alias(self, record_key: bytes) -> PrimaryKey | None:
        raw = self._write().get(_alias_key(record_key), db=self._aliases)
        return None if raw is None else self._kind.unpack_key(msgspec.msgpack.decode(raw)[1])

    def set_alias(self, record_key: bytes, key: PrimaryKey | None) -> None:
        if key is not None:
            packed = msgspec.msgpack.encode((record_key, self._kind.pack_key(key)))
            self._write().put(_alias_key(record_key), packed, db=self._aliases)
            self._has_aliases = True
        elif self._has_aliases:
            self._write().delete(_alias_key(record_key), db=self._aliases)

    def items(self) -> Iterator[tuple[PrimaryKey, Row | None, Stamp | None]]:
        for _, raw in self._write().cursor(db=self._rows):
            row = self._row(raw)
            stamp = Stamp(*_STAMP.unpack(raw[: _STAMP.size])) if self._stamp_bytes else None
            if row is not None:
                yield self._kind.primary_key(row), row, stamp
            else:
                yield self._kind.unpack_key(raw[self._stamp_bytes + 1 :]), None, stamp

    def aliases(self) -> Iterator[tuple[bytes, PrimaryKey]]:
        for _, raw in self._write().cursor(db=self._aliases):
            record_key, key = msgspec.msgpack.decode(raw)
            yield record_key, self._kind.unpack_key(key)

    def add_index(self, index: Index) -> None:
        """Fills it with the rows there are, unless it is the one that a snapshot has."""
        number = len(self._indexes)
        if number >= INDEXES_MAX:
            raise SightlineError(f"a table may have {INDEXES_MAX} indexes")
        self.commit()
        entries = self._env.open_db(b"index%d" % number, dupsort=True)
        self._indexes.append((index, entries))
        known = self._meta.indexes
        if number < len(known) and index.name and known[number] == index.name:
            return
        writing = self._write()
        writing.drop(entries, delete=False)
        for encoded, raw in writing.cursor(db=self._rows):
            row = self._row(raw)
            if row is not None and (value := index.key(row)) is not None:
                writing.put(key_bytes(value), encoded, db=entries)
        self._meta.indexes = [*known[:number], index.name]
        self.commit()

    def commit(self) -> None:
        if self._writing is None and self._noted == self._meta.note:
            return
        writing = self._write()
        self._writing, self._noted = None, self._meta.note
        # An index that is not kept up to date must not be taken for one that is.
        self._meta.indexes = self._meta.indexes[: len(self._indexes)]
        try:
            writing.put(b"meta", msgspec.msgpack.encode(self._meta), db=self._meta_db)
            writing.commit()
        except lmdb.MapFullError:
            raise self._full() from None

    def sync(self) -> None:
        """Everything committed is on the disk."""
        self._env.sync(True)

    def _write(self) -> lmdb.Transaction:
        if self._writing is None:
            self._writing = self._env.begin(write=True)
        return self._writing

    def _replace(self, encoded: bytes, packed: bytes) -> Row | None:
        try:
            return self._row(self._write().replace(encoded, packed, db=self._rows))
        except lmdb.MapFullError:
            raise self._full() from None

    def _full(self) -> StoreFullError:
        return StoreFullError(f"a table needs more than the {self._bytes_max} bytes it may have on disk")

    def _reindex(self, encoded: bytes, before: Row | None, row: Row | None) -> None:
        writing = self._write()
        for index, entries in self._indexes:
            old = None if before is None else index.key(before)
            new = None if row is None else index.key(row)
            if old is not None and old != new:
                writing.delete(key_bytes(old), encoded, db=entries)
            if new is not None and old != new:
                writing.put(key_bytes(new), encoded, db=entries)

    def _key(self, key: PrimaryKey) -> bytes:
        return version_prefix(key[0]) + start_bytes(key[1]) if self._kind.versioned else key_bytes(key)

    def _row(self, raw: Any) -> Row | None:
        if raw is None:
            return None
        if not self._stamp_bytes:
            return self._kind.unpack(raw)
        packed = raw[self._stamp_bytes :]
        return None if packed[:1] == _DELETED else self._kind.unpack(packed)

    # By the thread that looks up.

    def refresh(self) -> None:
        self._end_reading()
        self._reading = self._env.begin(db=self._rows, buffers=True)

    def find(self, key: Any, default: Sequence[Row]) -> Sequence[Row]:
        row = self._row(self._read().get(key_bytes(key)))
        return default if row is None else (row,)

    def find_at(self, key: Any, time_us: int) -> Sequence[Row]:
        prefix = version_prefix(key)
        if self._cursor is None:
            self._cursor = self._read().cursor(db=self._rows)
        cursor = self._cursor
        found = cursor.set_range(prefix + start_bytes(time_us + 1))
        found = cursor.prev() if found else cursor.last()
        while found:
            at = cursor.key()
            if len(at) != len(prefix) + _START_BYTES or at[: len(prefix)] != prefix:
                break
            if (row := self._row(cursor.value())) is not None:
                to_of = self._kind.to_of
                ended = to_of is not None and (end := to_of(row)) is not None and time_us >= end
                return NO_ROWS if ended else (row,)
            found = cursor.prev()
        return NO_ROWS

    def find_by(self, index: int, key: Any, time_us: int) -> Sequence[Row]:
        definition, entries = self._indexes[index]
        reading = self._read()
        with reading.cursor(db=entries) as cursor:
            found = list(cursor.iternext_dup()) if cursor.set_key(key_bytes(key)) else []
        rows = [row for each in found if (row := self._row(reading.get(each))) is not None]
        if self._kind.versioned:
            return versions_at(self, definition, key, time_us, {self._kind.key_of(row) for row in rows})
        return sorted(rows, key=self._kind.key_of)

    def _read(self) -> lmdb.Transaction:
        if self._reading is None:
            self.refresh()
        assert self._reading is not None
        return self._reading

    def _end_reading(self) -> None:
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None
        if self._reading is not None:
            self._reading.abort()
            self._reading = None

    def close(self) -> None:
        """What is not committed is lost."""
        self._end_reading()
        if self._writing is not None:
            self._writing.abort()
            self._writing = None
        self._env.close()


def _alias_key(record_key: bytes) -> bytes:
    return record_key if 0 < len(record_key) <= 500 else b"\0" + hashlib.blake2b(record_key, digest_size=32).digest()
