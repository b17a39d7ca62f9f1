"""Rows of a batch by their columns."""

from collections.abc import Mapping

from sightline.query.runtime.vectors import Column


class Columns:
    """As many rows as `len` says, none of them an object: `fields` has each needed column.

    Generated code takes it in place of a sequence of rows, and names a column by the field of a row, c0, c1, ….
    """

    __slots__ = ("_count", "fields")

    def __init__(self, fields: Mapping[str, Column], count: int) -> None:
        self.fields, self._count = fields, count

    def __len__(self) -> int:
        return self._count
