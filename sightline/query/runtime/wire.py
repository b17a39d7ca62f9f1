"""How msgspec decodes a value of each SQL type from JSON, and what is left to do to make it the run-time value."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, InvalidOperation
from decimal import Decimal as Number
from typing import Any

from sightline.query.runtime.numbers import float32
from sightline.query.runtime.rows import python_type, row_class, struct_class
from sightline.query.schema import field_name
from sightline.query.types import DECIMAL_PRECISION_MAX, FLOAT, NULL, TIMESTAMP, Array, Decimal, Struct, Type

Convert = Callable[[Any], Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DECIMALS = Context(prec=2 * DECIMAL_PRECISION_MAX, rounding=ROUND_HALF_UP, traps=[InvalidOperation])


def wire_type(kind: Type) -> Any:
    """What msgspec decodes, before `conversion`. Raises ValueError for a type that no value can have."""
    if kind == NULL:
        raise ValueError(f"a column can't be of type {kind}")
    if kind == TIMESTAMP:
        return datetime
    if isinstance(kind, Array):
        return list.__class_getitem__(wire_type(kind.element) | None)
    if isinstance(kind, Struct) and _has_time(kind):
        return row_class("Struct", {each.name: each.type for each in kind.fields}, wire_type)
    return python_type(kind)


def _has_time(kind: Type) -> bool:
    """Its values look different on the wire."""
    if isinstance(kind, Array):
        return _has_time(kind.element)
    if isinstance(kind, Struct):
        return any(_has_time(each.type) for each in kind.fields)
    return kind == TIMESTAMP


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
    names = [field_name(index) for index in range(len(kind.fields))]
    steps = [conversion(each.type) for each in kind.fields]
    if not any(steps):
        return None
    make, fields = struct_class(kind), list(zip(names, steps, strict=True))

    def convert(value: Any) -> Any:
        values = [(getattr(value, name), step) for name, step in fields]
        return make(*[step(each) if step and each is not None else each for each, step in values])

    return convert


def micros(moment: datetime) -> int:
    """Microseconds since the epoch. Without a zone it is UTC, the session's time zone in Spark's words."""
    delta = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


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
