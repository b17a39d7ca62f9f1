"""A batch of JSON objects as columns, by the extension `_columns`, where everything in it is plain.

Plain is: nothing wrong anywhere, no escapes in strings that are needed and no \\u in others, whole numbers of at most
18 digits, times as 2026-01-31T23:59:59 with up to six digits after a point and Z or +01:00 or neither, 64 names an
object. All else is left to msgspec, which makes rows, or says what is wrong; the same values come out either way.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sightline import compiled
from sightline.formats.reader import RecordBatch
from sightline.query import types
from sightline.query.runtime.columns import Columns
from sightline.query.schema import field_name
from sightline.query.types import Type

try:
    from sightline.formats import _columns
except ImportError:  # there was no compiler
    _columns = None  # type: ignore[assignment]

COLUMNS_MAX = 64
"""Of those that are needed, as in the extension."""

_KINDS = {
    types.STRING: ("text", 0),
    types.TINYINT: ("integer", 2**7 - 1),
    types.SMALLINT: ("integer", 2**15 - 1),
    types.INT: ("integer", 2**31 - 1),
    types.BIGINT: ("integer", 2**63 - 1),
    types.DOUBLE: ("double", 0),
    types.BOOLEAN: ("boolean", 0),
    types.TIMESTAMP: ("time", 0),
}
"""By type, how it is decoded, and the largest of integers."""


class JsonColumns:
    """Keeps strings that come again and again, some thousands of short ones: one thread at a time may use it."""

    def __init__(self, columns: Mapping[str, tuple[str, Type]]) -> None:
        """`columns` by field: the name in JSON and the type."""
        self._fields = list(columns)
        wanted = [(name.encode(), *_KINDS[kind]) for name, kind in columns.values()]
        self._decoder: Any = _columns.Decoder(wanted)

    def decode(self, batch: RecordBatch) -> Columns | None:
        """None where something is not plain."""
        lines = batch.lines()
        lists = None if lines is None else self._decoder.decode(lines, len(batch))
        return None if lists is None else Columns(dict(zip(self._fields, lists, strict=True)), len(batch))


def json_columns(all_types: Mapping[str, Type], needed: Collection[str]) -> JsonColumns | None:
    """None where there is no extension, or a needed column is of a type that it does not decode."""
    columns = {
        field_name(index): (name, kind) for index, (name, kind) in enumerate(all_types.items()) if name in needed
    }
    if _columns is None or not compiled.wanted() or len(columns) > COLUMNS_MAX:
        return None
    return JsonColumns(columns) if all(kind in _KINDS for _, kind in columns.values()) else None
