"""Tables that streams are joined with: bounded memory, one look-up whatever the store, whole rows while they change."""

from sightline.query.tables.rows import Row, RowType
from sightline.query.tables.snapshot import Position, Snapshot
from sightline.query.tables.stores import KeyFunction
from sightline.query.tables.table import ROWS_MAX, TableLimits, TableRows

__all__ = [
    "ROWS_MAX",
    "KeyFunction",
    "Position",
    "Row",
    "RowType",
    "Snapshot",
    "TableLimits",
    "TableRows",
]
