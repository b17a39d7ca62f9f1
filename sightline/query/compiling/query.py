"""What a compiled query offers to whoever runs it: the joiner on Kafka, or the command line on files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from sightline.query.compiling.columnar import over_columns
from sightline.query.compiling.event import NOTHING, MissingError
from sightline.query.compiling.finish import accumulate_entries_source, finish_source, images_source
from sightline.query.compiling.scan import scan_source
from sightline.query.compiling.source import indented, record, unless
from sightline.query.expressions import Code, Expressions
from sightline.query.planning.grouping import WINDOW_TYPE
from sightline.query.planning.nodes import Plan
from sightline.query.runtime import vectors
from sightline.query.runtime.columns import Columns
from sightline.query.runtime.rows import struct_class
from sightline.query.schema import Lookup
from sightline.query.windows.windowing import Windowing, windowing

ResultRow = dict[str, Any]


class Found(msgspec.Struct):
    """What a scan found. Indexes are those of the batch.

    `results`: of each event that has any, the joined rows (with a model) or the query's rows. `unmatched`: events
    that have none because a table lacks it, with the table and the key. `added` counts events whose rows went into
    windows. An event is in one of these, `errors` and the other counts; but `added` has those that were late too.
    """

    waiting: bool = False
    results: list[tuple[int, Sequence[Any]]] = []
    unmatched: list[tuple[int, str, Any]] = []
    errors: list[tuple[int, Exception]] = []
    filtered: int = 0
    joined_away: int = 0
    added: int = 0


@dataclass(frozen=True)
class Bound:
    """A query bound to the look-ups of its tables. See scan.py and finish.py for the functions' contracts."""

    scan: Callable[..., int]
    replay: Callable[..., int]
    """`scan` for rows that a restored window state may hold already."""
    finish: Callable[..., None]
    images: Callable[..., tuple[Any, ...]]
    accumulate: Callable[..., None]


@dataclass(frozen=True)
class KeyIndex:
    """A table is looked up by `key(row)`; `name` is its SQL."""

    table: str
    name: str
    key: Callable[[Any], Any]


@dataclass(frozen=True)
class Query:
    """`times(rows, timestamps_ms)` gives the rows' event times, µs; an error in one of them fails all.
    `by_timestamp`: it looks at the timestamps, else at the rows alone.

    `project(start_us, end_us, key, values)` gives the row of a group, or None where HAVING is not true.
    `indexes[i]` is how join i finds its rows: the table, and a KeyIndex unless it is by the table's own key.
    """

    plan: Plan
    times: Callable[[Sequence[Any] | Columns, Sequence[int]], list[Any]]
    by_timestamp: bool
    project: Callable[[int, int, Any, Any], ResultRow | None]
    windowing: Windowing | None
    indexes: tuple[tuple[str, KeyIndex | None], ...]
    source: str
    _bind: Callable[..., tuple[Callable[..., Any], ...]]

    def bind(self, lookups: Sequence[Lookup]) -> Bound:
        """`lookups[i]` serves join i."""
        return Bound(*self._bind(*lookups))


def compile_plan(plan: Plan, expressions: Expressions) -> Query:
    namespace: dict[str, Any] = dict(expressions.namespace)
    namespace |= {"MissingError": MissingError, "NOTHING": NOTHING, "window": struct_class(WINDOW_TYPE)}
    namespace |= {"Columns": Columns, **{each.__name__: each for each in vectors.FUNCTIONS}}
    grouping = plan.grouping
    windows = windowing(grouping.spec, [each.type for each in grouping.keys], grouping.aggregates) if grouping else None
    if windows:
        namespace |= windows.namespace
    lines = [*_times(plan), *_indexes(plan), *_project(plan, namespace), *_bind(plan, windows, namespace)]
    source = "\n".join(lines) + "\n"
    exec(compile(source, "<query>", "exec"), namespace)
    indexes = tuple(
        (each.table, KeyIndex(each.table, each.text, namespace[f"index{i}"]) if each.index else None)
        for i, each in enumerate(plan.joins)
    )
    by_timestamp = plan.event_time is None
    return Query(
        plan, namespace["times"], by_timestamp, namespace["project"], windows, indexes, source, namespace["bind"]
    )


def _times(plan: Plan) -> list[str]:
    """Rows that follow one another often have the same time: one computed from one column is computed once for them."""
    code, row = plan.event_time, plan.source.variable
    head = "def times(rows, timestamps_ms):"
    if code is None:
        return [head, "    return [each * 1000 for each in timestamps_ms]"]
    (of_columns,), variables = over_columns([code.text], row)
    if plan.event_time_column is None:
        lists = [f"rest(rows.fields[{each!r}], 0)" for each in variables]
        each = f"for _, {', '.join(variables.values())} in zip(range(len(rows)), {', '.join(lists)})"
        return [
            head,
            f"    if isinstance(rows, Columns): return [{of_columns} {each}]",
            f"    return [{code.text} for {row} in rows]",
        ]
    ((column, value),) = variables.items()
    values = f"rows.fields[{column!r}] if isinstance(rows, Columns) else [{row}.{column} for {row} in rows]"
    computed = values if of_columns == value else f"repeated(lambda {value}: {of_columns}, {values})"
    return [head, f"    return {computed}"]


def _indexes(plan: Plan) -> list[str]:
    lines = []
    for number, each in enumerate(plan.joins):
        if each.index:
            lines += [f"def index{number}({each.relation.variable}):", f"    return {each.index.text}"]
    return lines


def _project(plan: Plan, namespace: dict[str, Any]) -> list[str]:
    having: tuple[Code, ...] = plan.grouping.having if plan.grouping else ()
    row = record(plan, namespace) if plan.grouping else "None"
    body = [*unless(having, ["return None"]), f"return {row}"]
    return ["def project(start, end_us, key, values):", *indented(body)]


def _bind(plan: Plan, windows: Windowing | None, space: dict[str, Any]) -> list[str]:
    directly = None if plan.models else windows
    body = scan_source(plan, directly, space)
    body += scan_source(plan, directly, space, "replay", replay=True) if directly else ["replay = scan"]
    body += [*finish_source(plan, space), *images_source(plan)] if plan.models else ["finish = images = None"]
    body += accumulate_entries_source(plan, windows) if windows and plan.models else ["accumulate = None"]
    parameters = ", ".join(f"lookup{i}" for i in range(len(plan.joins)))
    return [f"def bind({parameters}):", *indented([*body, "return scan, replay, finish, images, accumulate"])]
