"""The rows of one table, kept current from the records of its compacted topic."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from sightline.events import Reason, Refusal, parse_time_us
from sightline.query.pipeline import SqlType, Table
from sightline.query.schema import field_name

ROWS_MAX = 10_000_000

_PYTHON: dict[SqlType, Any] = {
    "string": str,
    "bigint": int,
    "double": float,
    "boolean": bool,
    "timestamp": datetime,
}


class TableRows:
    """Rows by key. Written by one thread; a reader of `rows` sees each row whole, the old or the new."""

    def __init__(self, name: str, table: Table, rows_max: int = ROWS_MAX) -> None:
        assert table.columns is not None
        self.name, self.rows = name, dict[Any, Any]()
        self.conflicts = 0
        self._rows_max = rows_max
        self._newest: dict[Any, tuple[int, int]] = {}
        self._keys: dict[bytes, Any] = {}
        self._key_field = field_name(list(table.columns).index(table.key))
        self._timestamps = [field_name(i) for i, kind in enumerate(table.columns.values()) if kind == "timestamp"]
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_row_type(table))

    def apply(self, key: bytes | None, value: bytes | None, timestamp_ms: int, partition: int) -> Refusal | None:
        """One record. A refused one changes nothing: the version before it stays.

        A null value deletes what its record key last stood for. Of equal keys in two partitions the newest
        record timestamp wins, counted in `conflicts`.
        """
        if value is None:
            return self._delete(key, timestamp_ms, partition)
        try:
            row = self._decoder.decode(value)
            for name in self._timestamps:
                if getattr(row, name) is not None:
                    setattr(row, name, parse_time_us(getattr(row, name).isoformat()))
        except (msgspec.DecodeError, ValueError) as error:
            return Refusal(Reason.BAD_TABLE_ROW, f"table {self.name!r}, key {_shown(key)}: {error}")
        row_key = getattr(row, self._key_field)
        if row_key not in self.rows and len(self.rows) >= self._rows_max:
            return Refusal(Reason.BAD_TABLE_ROW, f"table {self.name!r} is full: {self._rows_max} rows are allowed")
        if self._is_newest(row_key, timestamp_ms, partition):
            self.rows[row_key] = row
            if key is not None:
                self._keys[key] = row_key
        return None

    def _delete(self, key: bytes | None, timestamp_ms: int, partition: int) -> Refusal | None:
        if key is None:
            return Refusal(Reason.BAD_TABLE_ROW, f"table {self.name!r}: a record without key and value")
        row_key = self._keys.get(key)
        if row_key is not None and self._is_newest(row_key, timestamp_ms, partition):
            self.rows.pop(row_key, None)
        return None

    def _is_newest(self, row_key: Any, timestamp_ms: int, partition: int) -> bool:
        """Inside one partition the later offset is newer, whatever its timestamp says."""
        before_ms, before_partition = self._newest.get(row_key, (timestamp_ms, partition))
        if before_partition != partition:
            self.conflicts += 1
            if timestamp_ms < before_ms:
                return False
        self._newest[row_key] = (timestamp_ms, partition)
        return True


def _row_type(table: Table) -> type:
    """A struct with a field a column; the key is required, anything else may be null or missing."""
    assert table.columns is not None
    fields: list[Any] = []
    for index, (name, kind) in enumerate(table.columns.items()):
        python = _PYTHON[kind]
        fields.append((field_name(index), python) if name == table.key else (field_name(index), python | None, None))
    names = {field_name(index): name for index, name in enumerate(table.columns)}
    return msgspec.defstruct("Row", fields, rename=names, kw_only=True, gc=False)


def infer_columns(values: Iterable[bytes]) -> dict[str, SqlType]:
    """The columns that JSON rows have, with the narrowest type that holds each; for a table that declares none.

    A value that is not a JSON object is passed over: it is refused when it is applied. A column whose values
    disagree, or are not scalars, is left out.
    """
    found: dict[str, set[SqlType | None]] = {}
    for value in values:
        try:
            row = msgspec.json.decode(value, type=dict[str, Any])
        except msgspec.DecodeError:
            continue
        for name, each in row.items():
            if each is not None:
                found.setdefault(name, set()).add(_kind(each))
    columns: dict[str, SqlType] = {}
    for name, kinds in found.items():
        if kinds == {"bigint", "double"}:
            kinds = {"double"}
        kind = kinds.pop() if len(kinds) == 1 else None
        if kind is not None:
            columns[name] = kind
    return columns


def _kind(value: Any) -> SqlType | None:
    if isinstance(value, bool):
        return "boolean"
    for python, kind in ((str, "string"), (int, "bigint"), (float, "double")):
        if isinstance(value, python):
            return kind  # type: ignore[return-value]
    return None


def _shown(key: bytes | None) -> str:
    return "none" if key is None else repr(key[:100].decode(errors="replace"))
