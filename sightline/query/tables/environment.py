"""The LMDB environment of a table's rows: how it is opened, and what it says of itself."""

import shutil
import tempfile
from pathlib import Path

import lmdb
import msgspec

from sightline.errors import SightlineError

STORE_BYTES_MAX = 64 << 30
"""Address space kept for one table; the file is only as large as its rows."""

INDEXES_MAX = 16


class StoreFullError(SightlineError):
    """A table needs more than its bytes on disk."""


class Meta(msgspec.Struct):
    """`note` is the owner's: empty until it has been committed once."""

    count: int = 0
    indexes: list[str] = []
    note: bytes = b""


def read_note(folder: Path) -> bytes:
    """The note of the store in a folder that nobody has open; empty where there is none. Raises lmdb.Error."""
    if not (folder / "data.mdb").exists():
        return b""
    with lmdb.open(str(folder), max_dbs=INDEXES_MAX + 3, readonly=True, lock=False) as env, env.begin() as reading:
        raw = reading.get(b"meta", db=env.open_db(b"meta", reading, create=False))
    return msgspec.msgpack.decode(raw, type=Meta).note if raw else b""


def open_environment(folder: Path | None, bytes_max: int, durable: bool) -> lmdb.Environment:
    """Without a folder it is in a temporary file, gone when the process is, however that ends."""
    temporary = folder is None
    path = Path(tempfile.mkdtemp(prefix="sightline-table-")) if folder is None else folder
    path.mkdir(parents=True, exist_ok=True)
    try:
        return lmdb.open(
            str(path),
            map_size=bytes_max,
            max_dbs=INDEXES_MAX + 3,
            sync=durable,
            # The state of a commit is whole after a crash, though the last commit may be missing: it is read again.
            metasync=False,
            meminit=False,
            readahead=False,
        )
    finally:
        if temporary:
            shutil.rmtree(path)  # open files stay usable
