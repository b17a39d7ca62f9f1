"""SQL values as group keys and in msgpack: a tuple of values equals another where SQL groups them together.

NaN equals NaN and -0.0 equals 0.0 in a group, so floats are made one NaN object and one zero.
"""

import datetime
import decimal
from collections.abc import Sequence
from math import nan
from typing import Any

import msgspec

from sightline.query.types import BINARY, BOOLEAN, DATE, NULL, STRING, TIMESTAMP, Decimal, Type

Key = tuple[Any, ...]

EXACT = decimal.Context(prec=100, rounding=decimal.ROUND_HALF_UP)
"""Holds the sum of any number of DECIMAL(38) that is possible without rounding; the default context does not."""


def group_float(value: float | None) -> float | None:
    if value is None:
        return None
    return value + 0.0 if value == value else nan


def exponent(type_: Decimal) -> decimal.Decimal:
    """What a value is quantized to, to have the type's scale."""
    return decimal.Decimal((0, (1,), -type_.scale))


class ValueCodec:
    """One SQL type: `dump` gives what msgpack knows, `load` the value again.

    Raises ValueError for a type that can't be grouped or compared, and `load` for what is not of the type.
    """

    def __init__(self, type_: Type) -> None:
        self.type = type_
        self._python: Any = _python(type_)
        self.plain = not (type_.fractional or type_ == DATE or isinstance(type_, Decimal))
        """Dumped as it is."""

    def dump(self, value: Any) -> Any:
        if value is None or self.plain:
            return value
        if isinstance(self.type, Decimal):
            return str(value.quantize(exponent(self.type), context=EXACT))
        return value.toordinal() if self.type == DATE else value

    def load(self, value: Any) -> Any:
        if value is None:
            return None
        if type(value) is not self._python:
            raise ValueError(f"{value!r} is no {self.type}")
        if self.plain:
            return value
        if isinstance(self.type, Decimal):
            return _decimal(value)
        return datetime.date.fromordinal(value) if self.type == DATE else group_float(value)


class KeyCodec:
    """Group keys of the given column types."""

    def __init__(self, types: Sequence[Type]) -> None:
        self.types = tuple(types)
        self._codecs = [ValueCodec(each) for each in types]
        self._plain = all(each.plain for each in self._codecs)
        self._encode = msgspec.msgpack.Encoder().encode

    namespace: dict[str, Any] = {"group_float": group_float}  # noqa: RUF012

    def source(self, columns: Sequence[str]) -> str:
        """Python source of the key, from the source of each column's value."""
        texts = [
            f"group_float({text})" if kind.fractional else text for text, kind in zip(columns, self.types, strict=True)
        ]
        return "(" + "".join(f"{each}, " for each in texts) + ")"

    def dump(self, key: Key) -> Sequence[Any]:
        if self._plain:
            return key
        return [codec.dump(value) for codec, value in zip(self._codecs, key, strict=True)]

    def load(self, values: Sequence[Any]) -> Key:
        """Raises ValueError for what is no key of these types."""
        if len(values) != len(self._codecs):
            raise ValueError(f"a key of {len(values)} columns, {len(self._codecs)} are expected")
        return tuple([codec.load(value) for codec, value in zip(self._codecs, values, strict=True)])

    def encode(self, key: Key) -> bytes:
        """The same bytes for the same group: what a repartition record is partitioned by."""
        return self._encode(self.dump(key))


def _python(type_: Type) -> type:
    if type_.integral or type_ in (TIMESTAMP, DATE):
        return int
    if type_.fractional:
        return float
    if isinstance(type_, Decimal):
        return str
    known: dict[Type, type] = {STRING: str, BOOLEAN: bool, BINARY: bytes, NULL: type(None)}
    if type_ not in known:
        raise ValueError(f"{type_} can't be grouped or compared")
    return known[type_]


def _decimal(text: str) -> decimal.Decimal:
    try:
        value = EXACT.create_decimal(text)
    except decimal.InvalidOperation:
        raise ValueError(f"{text!r} is no decimal") from None
    if not value.is_finite():
        raise ValueError(f"{text!r} is no decimal")
    return value
