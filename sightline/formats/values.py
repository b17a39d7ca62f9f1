"""How msgspec decodes a value of each SQL type, and what is left to do to make it the run-time value."""

import math
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Context, InvalidOperation
from decimal import Decimal as Number
from functools import cache
from typing import Annotated, Any

import msgspec

from sightline.query.schema import field_name
from sightline.query.types import (
    BIGINT,
    BINARY,
    BOOLEAN,
    DATE,
    DECIMAL_PRECISION_MAX,
    DOUBLE,
    FLOAT,
    INT,
    SMALLINT,
    STRING,
    TIMESTAMP,
    TINYINT,
    Array,
    Decimal,
    Struct,
    Type,
)

Convert = Callable[[Any], Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FLOAT = struct.Struct("<f")
_DECIMALS = Context(prec=2 * DECIMAL_PRECISION_MAX, rounding=ROUND_HALF_UP, traps=[InvalidOperation])


def _integer(bits: int) -> Any:
    return Annotated[int, msgspec.Meta(ge=-(2 ** (bits - 1)), le=2 ** (bits - 1) - 1)]


_PYTHON: dict[Type, Any] = {
    BOOLEAN: bool,
    TINYINT: _integer(8),
    SMALLINT: _integer(16),
    INT: _integer(32),
    BIGINT: _integer(64),
    FLOAT: float,
    DOUBLE: float,
    STRING: str,
    BINARY: bytes,  # base64 in JSON, as Spark reads it
    DATE: date,
    TIMESTAMP: datetime,
}


def python_type(kind: Type) -> Any:
    """What msgspec decodes, before `conversion`. Raises ValueError for a type that no value can have."""
    if isinstance(kind, Array):
        return list.__class_getitem__(python_type(kind.element) | None)
    if isinstance(kind, Struct):
        return struct_class(kind)
    if isinstance(kind, Decimal):
        return Number
    if kind not in _PYTHON:
        raise ValueError(f"a source's column can't be of type {kind}")
    return _PYTHON[kind]


@cache
def struct_class(kind: Struct) -> type[msgspec.Struct]:
    """The class of a STRUCT's values; the fields are c0, c1, …, on the wire they have SQL's names."""
    return row_class("Struct", {each.name: each.type for each in kind.fields})


def row_class(name: str, columns: dict[str, Type], needed: frozenset[str] | None = None) -> type[msgspec.Struct]:
    """A struct with a field for each needed column, all of them by default, which keeps the column's number."""
    fields: list[Any] = []
    names: dict[str, str] = {}
    for index, (column, kind) in enumerate(columns.items()):
        if needed is None or column in needed:
            fields.append((field_name(index), python_type(kind) | None, None))
            names[field_name(index)] = column
    return msgspec.defstruct(name, fields, rename=names, gc=False)


def conversion(kind: Type) -> Convert | None:
    """What makes the run-time value of what msgspec decoded, where it is not that already. Raises ValueError."""
    if kind == TIMESTAMP:
        return micros
    if kind == FLOAT:
        return float32
    if isinstance(kind, Decimal):
        return lambda value: to_decimal(value, kind)
    if isinstance(kind, Array):
        convert = conversion(kind.element)
        return convert and (lambda values: [None if each is None else convert(each) for each in values])
    if isinstance(kind, Struct):
        return _struct_conversion(kind)
    return None


def _struct_conversion(kind: Struct) -> Convert | None:
    steps = [(field_name(i), step) for i, each in enumerate(kind.fields) if (step := conversion(each.type))]

    def convert(value: Any) -> Any:
        for name, step in steps:
            inner = getattr(value, name)
            if inner is not None:
                setattr(value, name, step(inner))
        return value

    return convert if steps else None


def micros(moment: datetime) -> int:
    """Microseconds since the epoch. Without a zone it is UTC, the session's time zone in Spark's words."""
    delta = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def float32(value: float) -> float:
    """Rounded to 32 bits; what is too large is infinite, as everywhere in IEEE 754."""
    try:
        rounded: float = _FLOAT.unpack(_FLOAT.pack(value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return rounded


def to_decimal(value: Number, kind: Decimal) -> Number:
    """Rounded half up to the type's scale. Raises ValueError where the digits before the point don't fit."""
    if not value.is_finite() or (value and value.adjusted() >= kind.precision - kind.scale):
        raise ValueError(f"{shown_number(value)} does not fit in {kind}")
    rounded = value.quantize(Number(1).scaleb(-kind.scale), context=_DECIMALS)
    if rounded and rounded.adjusted() >= kind.precision - kind.scale:
        raise ValueError(f"{shown_number(value)} does not fit in {kind}")
    return rounded


def shown_number(value: Number) -> str:
    return f"{value:.40g}" if value.is_finite() else str(value)
