"""Relations of a query, their columns and types, and how each column is read from its row at run time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from sightline.query.pipeline import Source, Table
from sightline.query.types import BINARY, STRING, TIMESTAMP, Type, parse_type

Rows = Sequence[Any]
"""Of a table, that a key finds."""


@dataclass(frozen=True)
class Lookup:
    """`lookup(key, time_us)`: the rows of a table under a key at a time, µs; tables without versions ignore the time.

    For many at once: `find()` is good until the table is refreshed. It takes the key, and the time where `timed`, else
    what to give where there is no row.
    """

    find: Callable[[], Callable[[Any, Any], Rows]]
    timed: bool = True

    def __call__(self, key: Any, time_us: int) -> Rows:
        return self.find()(key, time_us if self.timed else ())


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
        "id": Column(STRING, False, "{row}.id"),
        "source": Column(STRING, False, "{row}.source"),
        "type": Column(STRING, False, "{row}.type"),
        "time": Column(TIMESTAMP, False, "{row}.time_us"),
        "subject": Column(STRING, True, "{row}.subject"),
        "camera": Column(STRING, True, "{row}.camera"),
        "locationid": Column(STRING, True, "{row}.locationid"),
        "image": Column(BINARY, False, "{row}.image"),
    }
    for name, kind in source.extensions.items():
        columns.setdefault(name, Column(parse_type(kind), True, f"{{row}}.extensions.get({name!r})"))
    return columns


def table_columns(table: Table) -> dict[str, Column]:
    """`table.columns` must be known: declared, or inferred before."""
    assert table.columns is not None
    return {
        name: Column(parse_type(kind), name != table.key, f"{{row}}.{field_name(index)}")
        for index, (name, kind) in enumerate(table.columns.items())
    }


def field_name(index: int) -> str:
    """The struct field of a table's column: a column may have any name, a field may not."""
    return f"c{index}"


SHOWN_MAX = 30


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """ " Did you mean 'x'?" with what is known, or only what is known; a long list is not shown."""
    known = sorted(known)
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} (known: {', '.join(known)})" if len(known) <= SHOWN_MAX else hint
