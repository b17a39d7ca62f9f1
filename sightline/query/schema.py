"""Relations of a query, their columns and types, and how each column is read from its row at run time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from sightline.query.pipeline import Source, Table


class Type(StrEnum):
    """SQL types. A timestamp is an int of microseconds since the epoch at run time."""

    STRING = "string"
    BIGINT = "bigint"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    BINARY = "binary"
    NULL = "void"

    @property
    def numeric(self) -> bool:
        return self in (Type.BIGINT, Type.DOUBLE)


@dataclass(frozen=True)
class Column:
    """`read` is Python source with `{row}` for the row's variable."""

    type: Type
    nullable: bool
    read: str


@dataclass(frozen=True)
class Relation:
    """One thing that FROM or JOIN names.

    `stage` is when its row exists: 0 the event, then each join in turn, the model's answer last.
    `variable` is its row in the generated code.
    """

    alias: str
    columns: Mapping[str, Column]
    stage: int
    variable: str


def event_columns(source: Source) -> dict[str, Column]:
    columns = {
        "id": Column(Type.STRING, False, "{row}.id"),
        "source": Column(Type.STRING, False, "{row}.source"),
        "type": Column(Type.STRING, False, "{row}.type"),
        "time": Column(Type.TIMESTAMP, False, "{row}.time_us"),
        "subject": Column(Type.STRING, True, "{row}.subject"),
        "camera": Column(Type.STRING, True, "{row}.camera"),
        "locationid": Column(Type.STRING, True, "{row}.locationid"),
        "image": Column(Type.BINARY, False, "{row}.image"),
    }
    for name, kind in source.extensions.items():
        columns.setdefault(name, Column(Type(kind), True, f"{{row}}.extensions.get({name!r})"))
    return columns


def table_columns(table: Table) -> dict[str, Column]:
    """`table.columns` must be known: declared, or inferred before."""
    assert table.columns is not None
    return {
        name: Column(Type(kind), name != table.key, f"{{row}}.{field_name(index)}")
        for index, (name, kind) in enumerate(table.columns.items())
    }


def field_name(index: int) -> str:
    """The struct field of a table's column: a column may have any name, a field may not."""
    return f"c{index}"


PREDICTION_COLUMNS = {
    "rank": Column(Type.BIGINT, False, "{row}[0]"),
    "label": Column(Type.STRING, False, "{row}[1]"),
    "score": Column(Type.DOUBLE, False, "{row}[2]"),
}


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """ " Did you mean 'x'?" with what is known, or only what is known."""
    known = sorted(known)
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} (known: {', '.join(known)})"
