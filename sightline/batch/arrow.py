"""SQL's types as Arrow's, and Arrow's values as the query's."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pyarrow as pa

from sightline.formats.values import micros, struct_class
from sightline.query import types
from sightline.query.types import Array, Decimal, Field, Struct, Type

MICROS_UTC = pa.timestamp("us", tz="UTC")

_SCALARS: dict[Type, Any] = {
    types.NULL: pa.null(),
    types.BOOLEAN: pa.bool_(),
    types.TINYINT: pa.int8(),
    types.SMALLINT: pa.int16(),
    types.INT: pa.int32(),
    types.BIGINT: pa.int64(),
    types.FLOAT: pa.float32(),
    types.DOUBLE: pa.float64(),
    types.STRING: pa.string(),
    types.BINARY: pa.binary(),
    types.DATE: pa.date32(),
}


def arrow_type(kind: Type, timestamp: Any = MICROS_UTC) -> Any:
    """`timestamp` is what stands for TIMESTAMP."""
    if kind == types.TIMESTAMP:
        return timestamp
    if isinstance(kind, Decimal):
        return pa.decimal128(kind.precision, kind.scale)
    if isinstance(kind, Array):
        return pa.list_(arrow_type(kind.element, timestamp))
    if isinstance(kind, Struct):
        return pa.struct([(each.name, arrow_type(each.type, timestamp)) for each in kind.fields])
    return _SCALARS[kind]


def sql_type(kind: Any) -> Type | None:
    """None for what SQL's types here don't have, such as a map."""
    if pa.types.is_timestamp(kind):
        return types.TIMESTAMP
    if pa.types.is_date(kind):
        return types.DATE
    if pa.types.is_decimal(kind):
        return Decimal(precision=kind.precision, scale=kind.scale) if kind.precision <= 38 else None
    if pa.types.is_unsigned_integer(kind):
        return types.BIGINT
    if pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        return types.STRING
    if pa.types.is_large_binary(kind):
        return types.BINARY
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        element = sql_type(kind.value_type)
        return Array(element=element) if element else None
    if pa.types.is_struct(kind):
        inner = [(each.name, sql_type(each.type)) for each in kind]
        return Struct(fields=tuple(Field(name, found) for name, found in inner if found)) if inner else None
    return next((sql for sql, arrow in _SCALARS.items() if arrow == kind and sql != types.NULL), None)


def values(column: Any, kind: Type) -> list[Any]:
    """The query's values of a column. Raises pyarrow.ArrowException where one is not of the type."""
    if kind == types.TIMESTAMP:
        return _micros(column).to_pylist()  # type: ignore[no-any-return]
    found: list[Any] = column.cast(arrow_type(kind)).to_pylist()
    convert = _converter(kind)
    return [None if each is None else convert(each) for each in found] if convert else found


def _micros(column: Any) -> Any:
    """Times without a zone are UTC."""
    if pa.types.is_string(column.type):
        try:
            return column.cast(MICROS_UTC).cast(pa.int64())
        except pa.ArrowInvalid:
            return column.cast(pa.timestamp("us")).cast(pa.int64())
    return column.cast(pa.timestamp("us", tz=getattr(column.type, "tz", None)), safe=False).cast(pa.int64())


def _converter(kind: Type) -> Callable[[Any], Any] | None:
    """What is left to do to a nested value."""
    if isinstance(kind, Array):
        inner = _inner(kind.element)
        return lambda found: [None if each is None else inner(each) for each in found]
    if isinstance(kind, Struct):
        make = struct_class(kind)
        steps = [(each.name, _inner(each.type)) for each in kind.fields]
        return lambda found: make(*[None if found[n] is None else step(found[n]) for n, step in steps])
    return None


def _inner(kind: Type) -> Callable[[Any], Any]:
    return _to_micros if kind == types.TIMESTAMP else _converter(kind) or _same


def _to_micros(value: datetime) -> int:
    return micros(value)


def _same(value: Any) -> Any:
    return value
