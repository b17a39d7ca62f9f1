"""Rows of one table as structs with the fields c0, c1, …: from JSON, from values, packed for the store and back."""

import hashlib
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from sightline.query import types
from sightline.query.pipeline import Table
from sightline.query.runtime.rows import python_type
from sightline.query.runtime.wire import conversion, wire_type
from sightline.query.schema import field_name
from sightline.query.types import Type, parse_type

Row = Any
"""A msgspec struct; its class differs from table to table."""

PrimaryKey = Any
"""The key's value; in a table with versions (key, valid_from)."""

LAYOUT_VERSION = 1
"""Raised when packed rows or keys change, so that a snapshot of before is rebuilt."""


class RowType:
    """How rows of a table whose columns are known look. Reading a bad one raises ValueError, which says why."""

    def __init__(self, table: Table) -> None:
        assert table.columns is not None
        self.columns = dict(table.columns)
        self.kinds = [parse_type(each) for each in self.columns.values()]
        names = list(self.columns)
        self.versioned = table.valid_from is not None
        required = {table.key, table.valid_from}
        wire: list[Any] = []
        stored: list[Any] = []
        for index, (name, kind) in enumerate(zip(names, self.kinds, strict=True)):
            field, checked, kept = field_name(index), wire_type(kind), python_type(kind)
            wire.append((field, checked) if name in required else (field, checked | None, None))
            stored.append((field, kept if name in required else kept | None))
        by_field = {field_name(index): name for index, name in enumerate(names)}
        self.required = [index for index, name in enumerate(names) if name in required]
        self.row: Callable[..., Row] = msgspec.defstruct("Row", stored, array_like=True, gc=False)
        self._from_json = msgspec.json.Decoder(
            msgspec.defstruct("JsonRow", wire, rename=by_field, kw_only=True, gc=False)
        )
        self._converters = [(i, each) for i, kind in enumerate(self.kinds) if (each := conversion(kind)) is not None]
        self._values: Callable[[Any], Sequence[Any]] = msgspec.structs.astuple
        self.key_of = attrgetter(field_name(names.index(table.key)))
        self.from_of = attrgetter(field_name(names.index(table.valid_from))) if table.valid_from else None
        self.to_of = attrgetter(field_name(names.index(table.valid_to))) if table.valid_to else None
        self.primary_key: Callable[[Row], PrimaryKey] = self._primary_key()
        self.pack: Callable[[Row], bytes] = msgspec.msgpack.Encoder().encode
        self.unpack: Callable[[Any], Row] = msgspec.msgpack.Decoder(self.row).decode  # type: ignore[arg-type]
        parts = (LAYOUT_VERSION, [*self.columns.items()], table.key, table.valid_from, table.valid_to)
        self.schema_hash = hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
        self._set_key(self.kinds[names.index(table.key)])

    def _set_key(self, kind: Type) -> None:
        self._key_wire = wire_type(kind)
        self._key_converters = [conversion(each) or _same for each in (kind, types.TIMESTAMP)]
        fields = [("key", self._key_wire), ("valid_from", wire_type(types.TIMESTAMP))]
        self._json_key = msgspec.json.Decoder(msgspec.defstruct("JsonKey", fields))
        self.pack_key: Callable[[PrimaryKey], bytes] = self.pack
        packed: Any = tuple.__class_getitem__((python_type(kind), int)) if self.versioned else python_type(kind)
        self.unpack_key: Callable[[Any], PrimaryKey] = msgspec.msgpack.Decoder(packed).decode

    def decode(self, value: bytes) -> Row:
        """A row of JSON. Raises ValueError, as which msgspec's errors count too."""
        return self._converted(list(self._values(self._from_json.decode(value))))

    def _converted(self, values: list[Any]) -> Row:
        for index, convert in self._converters:
            if values[index] is not None:
                values[index] = convert(values[index])
        return self.row(*values)

    def record_key(self, raw: bytes) -> PrimaryKey | None:
        """The primary key that a record's key plainly names; None where it names none."""
        try:
            if self.versioned:
                key = self._values(self._json_key.decode(raw))
                return tuple(convert(each) for convert, each in zip(self._key_converters, key, strict=True))
            return self._key_converters[0](msgspec.convert(raw.decode(), self._key_wire, strict=False))
        except (ValueError, TypeError):
            return None

    def _primary_key(self) -> Callable[[Row], PrimaryKey]:
        key_of, from_of = self.key_of, self.from_of
        if from_of is None:
            return key_of
        return lambda row: (key_of(row), from_of(row))


def _same(value: Any) -> Any:
    return value
