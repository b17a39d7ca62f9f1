"""Columns of tables by SQL type: how a JSON row's value is checked, and how it becomes the value that queries see."""

import decimal
import re
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any

import msgspec

from sightline.query import types
from sightline.query.types import Type

Convert = Callable[[Any], Any]

_DECIMAL = re.compile(r"decimal(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BITS = {types.TINYINT: 8, types.SMALLINT: 16, types.INT: 32, types.BIGINT: 64}

_STORED: dict[Type, Any] = {
    types.BOOLEAN: bool,
    types.FLOAT: float,
    types.DOUBLE: float,
    types.STRING: str,
    types.BINARY: bytes,
    types.DATE: date,
    types.TIMESTAMP: int,
    **dict.fromkeys(types.INTEGRAL, int),
}


def parse_kind(text: str) -> Type:
    """The type that a column's text names. Raises ValueError."""
    text = text.strip().lower()
    if text in types.SCALARS:
        return types.SCALARS[text]
    if match := _DECIMAL.fullmatch(text):
        precision, scale = int(match[1] or 10), int(match[2] or 0)
        if scale <= precision <= types.DECIMAL_PRECISION_MAX and precision > 0:
            return types.Decimal(precision=precision, scale=scale)
    raise ValueError(f"{text!r} is not a type of a table's column (known: {', '.join(types.SCALARS)}, decimal(p,s))")


def wire_type(kind: Type) -> Any:
    """What msgspec checks a JSON value against."""
    if kind in _BITS:
        half = 1 << (_BITS[kind] - 1)
        return Annotated[int, msgspec.Meta(ge=-half, le=half - 1)]
    return datetime if kind == types.TIMESTAMP else stored_type(kind)


def stored_type(kind: Type) -> Any:
    """The Python type of the value at run time."""
    return decimal.Decimal if isinstance(kind, types.Decimal) else _STORED[kind]


def converter(kind: Type) -> Convert | None:
    """From the wire's value, not None, to the one at run time; None where they are the same. It raises ValueError."""
    if kind == types.TIMESTAMP:
        return _micros
    if kind == types.FLOAT:
        return _float32
    if isinstance(kind, types.Decimal):
        unit = decimal.Decimal(1).scaleb(-kind.scale)
        context = decimal.Context(prec=kind.precision, rounding=decimal.ROUND_HALF_UP)
        return lambda value: _quantized(value, unit, context, kind)
    return None


def _micros(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()!r} has no time zone; write Z for UTC")
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def _float32(value: float) -> float:
    try:
        rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        raise ValueError(f"{value!r} does not fit float") from None
    return rounded


def _quantized(value: decimal.Decimal, unit: decimal.Decimal, context: decimal.Context, kind: Type) -> decimal.Decimal:
    try:
        return value.quantize(unit, context=context)
    except decimal.InvalidOperation:
        raise ValueError(f"{value} does not fit {kind}") from None
