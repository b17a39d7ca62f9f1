"""The loop over a batch of events: predicates, joins, and what the rows that are left become.

    def scan(rows, times, offsets, first, found, state): …
        → the index of the first event that was not looked at

`rows` may be `Columns` where no model is asked: the same lines run over them. An event that finds no row in a table
while `found.waiting` stops the loop: the table may only be behind. With a model the joined rows are the result;
without, the query's rows are, or they go into the windows of `state`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sightline.query.compiling.columnar import equality, over_columns
from sightline.query.compiling.event import EventSource
from sightline.query.compiling.source import accumulating, indented
from sightline.query.expressions import Code
from sightline.query.planning.nodes import Plan
from sightline.query.windows.windowing import Windowing

PARAMETERS = "(rows, times, offsets, first, found, state)"


def scan_source(
    plan: Plan, windowing: Windowing | None, namespace: dict[str, Any], name: str = "scan", replay: bool = False
) -> list[str]:
    """The function's lines. `windowing` only where rows go straight into windows, without a model in between."""
    return _Scan(plan, windowing, namespace, replay).lines(name)


class _Scan:
    def __init__(self, plan: Plan, windowing: Windowing | None, namespace: dict[str, Any], replay: bool) -> None:
        self._plan, self._replay = plan, replay
        grouping = plan.grouping if windowing else None
        self._windows = accumulating(grouping, windowing, "index", replay) if grouping and windowing else None
        self._event = EventSource(plan, grouping, self._windows, namespace)

    def lines(self, name: str) -> list[str]:
        """Two functions, or with models one: their answers are to be joined with the event's row."""
        of_rows = [f"def {name}{PARAMETERS}:", *indented(self._of_rows())]
        if self._plan.models:
            return of_rows
        of_columns = [f"def {name}_columns{PARAMETERS}:", *indented(self._of_columns())]
        of_rows.insert(1, f"    if isinstance(rows, Columns): return {name}_columns{PARAMETERS}")
        return of_columns + of_rows

    def _of_rows(self) -> list[str]:
        row, predicates = self._plan.source.variable, self._plan.predicates.get(0, [])
        newest = self._windows.newest("time_us") if self._windows else []
        body = [f"if {row} is None: continue", *newest, *self._guarded(predicates)]
        sequences = {"index": "range(first, count)", row: "rows", "time_us": "times"}
        begin = ["if first: rows, times = rows[first:], times[first:]"]
        return self._loop(begin, sequences, body, [])

    def _of_columns(self) -> list[str]:
        """Where the first predicate compares a column with a literal, events that fail it are never looked at."""
        row, predicates = self._plan.source.variable, self._plan.predicates.get(0, [])
        wanted = equality(predicates[0], row) if predicates else None
        body, variables = over_columns(self._guarded(predicates[1:] if wanted else predicates), row)
        columns = {local: f"rows.fields[{field!r}]" for field, local in variables.items()} | {"time_us": "times"}
        begin: list[str] = []
        end: list[str] = []
        if self._windows:
            begin.append("tops = running_max(times, w_top, first)")
            columns["top_us"] = "tops"
            body = self._windows.newest("top_us") + body
        if wanted is None:
            sequences = {name: f"rest({values}, first)" for name, values in columns.items()}
            return self._loop(begin, {"index": "range(first, count)", **sequences}, body, end)
        field, literal = wanted
        begin.append(f"wanted = equal(rows.fields[{field!r}], {literal}, first)")
        end.append("filtered += index - first - before(wanted, index)")
        if self._windows:
            end.append("if index == count: w_top = tops[-1]")
        sequences = {name: f"take({values}, wanted)" for name, values in columns.items()}
        return self._loop(begin, {"index": "wanted", **sequences}, body, end)

    def _guarded(self, predicates: Sequence[Code]) -> list[str]:
        return [
            *(["offset = offsets[index]"] if self._replay else []),
            "try:",
            *indented(self._event.lines(predicates)),
            "except MissingError:",
            "    break",
            "except Exception as error:",
            "    failed((index, error))",
        ]

    def _loop(self, begin: list[str], sequences: Mapping[str, str], body: list[str], end: list[str]) -> list[str]:
        """`sequences` has the variables of an event, and what they go through."""
        windows, joins = self._windows, self._plan.joins
        return [
            "result, failed, missed = found.results.append, found.errors.append, found.unmatched.append",
            "waiting, count = found.waiting, len(rows)",
            "filtered = joined_away = added = 0",
            *(f"find{each}, timed{each} = lookup{each}.find(), lookup{each}.timed" for each in range(len(joins))),
            *(windows.before if windows else []),
            *begin,
            f"for {', '.join(sequences)} in zip({', '.join(sequences.values())}):",
            *indented(body),
            "else:",
            "    index = count",
            *end,
            *(windows.after if windows else []),
            "found.filtered += filtered",
            "found.joined_away += joined_away",
            "found.added += added",
            "return index",
        ]
