"""The columns of JSON records whose source declares none, from the first records."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import msgspec

from sightline.formats.json import BAD_JSON
from sightline.query.pipeline import Table
from sightline.query.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    NESTING_MAX,
    NULL,
    STRING,
    TIMESTAMP,
    Array,
    Field,
    Struct,
    Type,
    parse_type,
)

INFER_RECORDS_MAX = 1000
COLUMNS_MAX = 1000

_MIXED = Type("mixed")
"""What values are that have no type in common; there is no column of it."""


def infer(values: Iterable[bytes | None], records_max: int = INFER_RECORDS_MAX) -> dict[str, str]:
    """Columns and the text of their types, in the order in which they were first seen.

    The narrowest type that holds all values: bigint and double make double, objects have all fields that were seen.
    What has no type in common, was always null, or is an empty object is left out. A value that is not a JSON object
    is passed over, it is refused when it is read.
    """
    decoder = msgspec.json.Decoder(dict[str, Any])
    found: dict[str, Type] = {}
    for value in islice(values, records_max):
        try:
            row = decoder.decode(value or b"")
        except BAD_JSON:
            continue
        for name, each in row.items():
            if name in found or len(found) < COLUMNS_MAX:
                found[name] = _common(found.get(name, NULL), _type(each, 0))
    finished = {name: _finished(kind) for name, kind in found.items()}
    return {name: str(kind) for name, kind in finished.items() if kind is not None}


def infer_table(values: Iterable[bytes | None], table: Table, records_max: int = INFER_RECORDS_MAX) -> dict[str, str]:
    """As `infer`; the table's key is a column whatever the records are, and the times of versions are timestamps."""
    columns = infer(values, records_max)
    if table.key not in columns or parse_type(columns[table.key]).nested:
        columns[table.key] = str(STRING)
    return columns | {each: str(TIMESTAMP) for each in (table.valid_from, table.valid_to) if each}


def _type(value: Any, depth: int) -> Type:
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return BIGINT if -(2**63) <= value < 2**63 else DOUBLE
    if isinstance(value, float):
        return DOUBLE
    if isinstance(value, str):
        return STRING
    if depth >= NESTING_MAX:
        return _MIXED
    if isinstance(value, list):
        element: Type = NULL
        for each in value:
            element = _common(element, _type(each, depth + 1))
        return Array(element=element)
    return Struct(fields=tuple(Field(name, _type(each, depth + 1)) for name, each in value.items()))


def _common(one: Type, other: Type) -> Type:
    if one == other or other == NULL:
        return one
    if one == NULL:
        return other
    if {one, other} == {BIGINT, DOUBLE}:
        return DOUBLE
    if isinstance(one, Array) and isinstance(other, Array):
        return Array(element=_common(one.element, other.element))
    if isinstance(one, Struct) and isinstance(other, Struct):
        fields: dict[str, Type] = dict(one.fields)
        for name, kind in other.fields:
            fields[name] = _common(fields.get(name, NULL), kind)
        return Struct(fields=_fields(fields))
    return _MIXED


def _fields(fields: Mapping[str, Type]) -> tuple[Field, ...]:
    return tuple(Field(name, kind) for name, kind in list(fields.items())[:COLUMNS_MAX])


def _finished(kind: Type) -> Type | None:
    """Without what can be no column or field; None if nothing is left."""
    if kind in (NULL, _MIXED):
        return None
    if isinstance(kind, Array):
        element = _finished(kind.element)
        return Array(element=element) if element is not None else None
    if isinstance(kind, Struct):
        fields: dict[str, Field] = {}
        for name, inner in kind.fields:
            finished = _finished(inner)
            if name and finished is not None:
                # SQL doesn't tell upper from lower case.
                fields.setdefault(name.lower(), Field(name, finished))
        return Struct(fields=tuple(fields.values())) if fields else None
    return kind
