"""A table's rows on disk with the position of its topic, so that a start reads only what came since.

Rows and position are committed together. A snapshot of another topic (by its id: a topic made anew has a new one), of
other columns or of another layout is dropped.
"""

import fcntl
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lmdb
import msgspec

from sightline.errors import SightlineError
from sightline.query.tables.disk import DiskStore
from sightline.query.tables.environment import read_note
from sightline.query.tables.rows import PrimaryKey, RowType
from sightline.query.tables.stores import Store

log = logging.getLogger(__name__)


class Position(msgspec.Struct, frozen=True):
    """The next offset of each partition.

    `complete_ms`: wall clock at which the topic held nothing that could be deleted from the rows unseen.
    """

    offsets: dict[int, int]
    complete_ms: int


class _Note(msgspec.Struct):
    topic_id: str
    schema_hash: str
    stamped: bool
    columns: dict[str, str]
    position: Position


class Snapshot:
    """In a folder of its own, for one process at a time. Raises SightlineError if another one has it."""

    def __init__(self, folder: Path, topic_id: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / "owner.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise SightlineError(f"{folder} is in use by another process") from None
        self._folder, self._topic_id = folder / "rows", topic_id
        self._note = self._read()
        self.store: DiskStore
        self.changed: set[PrimaryKey] = set()
        self.changed_aliases: set[bytes] = set()
        if self._note and self._note.topic_id != topic_id:
            self.drop("the topic was made anew")

    @property
    def position(self) -> Position | None:
        return self._note.position if self._note else None

    @property
    def columns(self) -> dict[str, str] | None:
        """Those of the rows it holds."""
        return self._note.columns if self._note else None

    @property
    def count(self) -> int:
        return self.store.count

    def drop(self, why: str) -> None:
        """Begin anew. Before `open` only."""
        log.warning("table snapshot dropped", extra={"folder": str(self._folder), "why": why})
        shutil.rmtree(self._folder, ignore_errors=True)
        self._note = None

    def open(self, kind: RowType, stamped: bool, bytes_max: int) -> None:
        """For rows of this kind."""
        if self._note and (self._note.schema_hash, self._note.stamped) != (kind.schema_hash, stamped):
            self.drop("the table's columns, key or partitions have changed")
        self._kind, self._stamped = kind, stamped
        self.store = DiskStore(kind, self._folder, stamped=stamped, durable=True, bytes_max=bytes_max)

    def load_into(self, memory: Store) -> None:
        for key, row, stamp in self.store.items():
            if row is None:
                memory.delete(key, stamp)
            else:
                memory.put(key, row, stamp)
        for record_key, key in self.store.aliases():
            memory.set_alias(record_key, key)
        self.store.commit()

    def note(self, offsets: Mapping[int, int], complete_ms: int) -> None:
        """The position of the next commit."""
        position = Position(dict(offsets), complete_ms)
        note = _Note(self._topic_id, self._kind.schema_hash, self._stamped, self._kind.columns, position)
        self.store.note = msgspec.msgpack.encode(note)

    def save(self, memory: Store) -> None:
        """What changed in memory since the last time, and the position noted, in one commit."""
        for key in self.changed:
            row, stamp = memory.get(key), memory.stamp(key)
            if row is None:
                self.store.delete(key, stamp)
            else:
                self.store.put(key, row, stamp)
        for record_key in self.changed_aliases:
            self.store.set_alias(record_key, memory.alias(record_key))
        self.changed.clear()
        self.changed_aliases.clear()
        self.store.commit()

    def close(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
        self._lock.close()

    def _read(self) -> _Note | None:
        try:
            raw: Any = read_note(self._folder)
            return msgspec.msgpack.decode(raw, type=_Note) if raw else None
        except (lmdb.Error, msgspec.DecodeError) as error:
            self.drop(f"it can't be read: {error}")
            return None
