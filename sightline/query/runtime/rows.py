"""Rows and structs: msgspec classes with the fields c0, c1, …, which on the wire have their SQL names."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

import msgspec

from sightline.query import types
from sightline.query.schema import field_name
from sightline.query.types import Array, Struct, Type

STRUCTS_CACHED_MAX = 1000


def _integer(bits: int) -> Any:
    return Annotated[int, msgspec.Meta(ge=-(2 ** (bits - 1)), le=2 ** (bits - 1) - 1)]


_PYTHON: dict[Type, Any] = {
    types.NULL: type(None),
    types.BOOLEAN: bool,
    types.TINYINT: _integer(8),
    types.SMALLINT: _integer(16),
    types.INT: _integer(32),
    types.BIGINT: _integer(64),
    types.FLOAT: float,
    types.DOUBLE: float,
    types.STRING: str,
    types.BINARY: bytes,
    types.DATE: date,
    types.TIMESTAMP: int,
}


def python_type(kind: Type) -> Any:
    """Of a value at run time that is not NULL, as msgspec packs and unpacks it."""
    if isinstance(kind, types.Decimal):
        return Decimal
    if isinstance(kind, Array):
        return list.__class_getitem__(python_type(kind.element) | None)
    return struct_class(kind) if isinstance(kind, Struct) else _PYTHON[kind]


@lru_cache(STRUCTS_CACHED_MAX)
def struct_class(kind: Struct) -> type[Any]:
    """The class of a STRUCT's values."""
    return row_class("Struct", {each.name: each.type for each in kind.fields})


def row_class(
    name: str,
    columns: Mapping[str, Type],
    python: Callable[[Type], Any] = python_type,
    needed: frozenset[str] | None = None,
) -> type[Any]:
    """A class with a field for each needed column, all of them by default, which keeps the column's number."""
    fields: list[Any] = []
    names: dict[str, str] = {}
    for index, (column, kind) in enumerate(columns.items()):
        if needed is None or column in needed:
            fields.append((field_name(index), python(kind) | None, None))
            names[field_name(index)] = column
    return msgspec.defstruct(name, fields, rename=names, gc=False)
