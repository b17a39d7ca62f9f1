"""JSON objects as rows of declared columns.

A field that is missing or null is NULL, a field that is no column is passed over. Values are taken as they are: "1"
is no number and 1 no string. Timestamps are RFC 3339, UTC where they say no zone; dates are YYYY-MM-DD; decimals are
numbers or strings; binary is base64.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from sightline.events import DEFAULT_LIMITS, Headers, Limits, Reason, Refusal
from sightline.formats.columns import json_columns
from sightline.formats.reader import RecordBatch, Refusals, bad_size, one_by_one, shown
from sightline.query.runtime.columns import Columns
from sightline.query.runtime.rows import row_class
from sightline.query.runtime.wire import Convert, conversion, wire_type
from sightline.query.schema import Column, field_name
from sightline.query.types import Type

BAD_JSON = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)
"""All that decoding of arbitrary bytes raises; UnicodeDecodeError is a ValueError."""

_PATH = re.compile(r"^(.*) - at `\$([^`]*)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


class JsonReader:
    """Raises ValueError for a column's type or name that JSON can't have."""

    def __init__(
        self, types: Mapping[str, Type], limits: Limits = DEFAULT_LIMITS, needed: frozenset[str] | None = None
    ) -> None:
        self._types, self._limits = dict(types), limits
        self._row = row_class("Row", self._types, wire_type, needed)
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(self._row)
        self._convert = _converter(self._types, needed)
        self._columns = json_columns(self._types, self._types if needed is None else needed)

    @property
    def columns(self) -> Mapping[str, Column]:
        return columns_of(self._types)

    def needs(self, columns: Collection[str]) -> "JsonReader":
        return JsonReader(self._types, self._limits, frozenset(columns))

    def read(self, key: bytes | None, value: bytes | None, headers: Headers | None, timestamp_ms: int) -> Any | Refusal:
        if not value or len(value) > self._limits.event_bytes_max:
            return bad_size(value, self._limits.event_bytes_max)
        try:
            row = self._decoder.decode(value)
            if self._convert is not None:
                self._convert((row,))
        except BAD_JSON as error:
            return Refusal(Reason.BAD_VALUE, explain(error, value))
        return row

    def read_many(self, batch: RecordBatch) -> tuple[list[Any], Refusals]:
        lines = batch.lines() if batch.value_bytes_max <= self._limits.event_bytes_max else None
        if lines is None:
            return one_by_one(self, batch)
        try:
            rows = self._decoder.decode_lines(lines)
            if len(rows) != len(batch):
                return one_by_one(self, batch)
            if self._convert is not None:
                self._convert(rows)
        except BAD_JSON:
            return one_by_one(self, batch)
        return rows, []

    def read_columns(self, batch: RecordBatch) -> Columns | None:
        if self._columns is None or batch.value_bytes_max > self._limits.event_bytes_max:
            return None
        return self._columns.decode(batch)


def columns_of(types: Mapping[str, Type]) -> dict[str, Column]:
    """Nullable columns of a row with the fields c0, c1, …"""
    return {
        name: Column(kind, True, f"{{row}}.{field_name(index)}") for index, (name, kind) in enumerate(types.items())
    }


def _converter(types: Mapping[str, Type], needed: frozenset[str] | None) -> Convert | None:
    """Converts in place each row of an iterable; generated, for a loop over names would cost as much again."""
    lines = ["def convert(rows):", "    for row in rows:"]
    namespace: dict[str, Any] = {}
    for index, (name, kind) in enumerate(types.items()):
        step = conversion(kind) if needed is None or name in needed else None
        if step is not None:
            field = field_name(index)
            namespace[f"_{field}"] = _named(step, name)
            lines += [f"        if row.{field} is not None:", f"            row.{field} = _{field}(row.{field})"]
    if not namespace:
        return None
    exec("\n".join(lines), namespace)
    convert: Convert = namespace["convert"]
    return convert


def _named(step: Convert, name: str) -> Convert:
    def convert(value: Any) -> Any:
        try:
            return step(value)
        except (ValueError, ArithmeticError) as error:
            raise ValueError(f"column {name!r}: {error}") from None

    return convert


def explain(error: Exception, value: bytes) -> str:
    """What is wrong with a JSON text, with the field and its value where it is one field."""
    text = str(error) or type(error).__name__
    match = _PATH.match(text)
    if not match:
        return f"{text}: {shown(value)}"
    path = match[2].removeprefix(".")
    try:
        found: Any = msgspec.json.decode(value)
        for name, index in _STEP.findall(match[2]):
            found = found[int(index)] if index else found[name]
    except (*BAD_JSON, LookupError, TypeError):
        return f"{path or 'the value'}: {match[1]}: {shown(value)}"
    return f"{path or 'the value'}: {match[1]}: {shown(found)}"
