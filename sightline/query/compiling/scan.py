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
from sightline.query.compiling.source import (
    accumulating,
    assigned,
    group_names,
    group_values,
    indented,
    record,
    tuple_of,
    unless,
)
from sightline.query.expressions import Code
from sightline.query.planning.nodes import Join, JoinKind, Plan
from sightline.query.windows.windowing import Windowing


class MissingError(Exception):
    """Raised and caught in the generated loop: a row is looked for that may be on its way."""


NOTHING = (None,)
"""The rows of a LEFT JOIN that found none."""

PARAMETERS = "(rows, times, offsets, first, found, state)"


def scan_source(
    plan: Plan, windowing: Windowing | None, namespace: dict[str, Any], name: str = "scan", replay: bool = False
) -> list[str]:
    """The function's lines. `windowing` only where rows go straight into windows, without a model in between."""
    return _Scan(plan, windowing, namespace, replay).lines(name)


class _Scan:
    def __init__(self, plan: Plan, windowing: Windowing | None, namespace: dict[str, Any], replay: bool) -> None:
        self._plan, self._namespace, self._replay = plan, namespace, replay
        self._grouping = plan.grouping if windowing else None
        self._windows = accumulating(plan.grouping, windowing, "index", replay) if self._grouping else None  # type: ignore[arg-type]
        # One event may have several rows: they are gathered, so that an error in one of them leaves none behind.
        self._many = any(each.index is not None and each.kind in (JoinKind.INNER, JoinKind.LEFT) for each in plan.joins)

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
        sequences = {"index": "range(first, count)", row: "rest(rows, first)", "time_us": "rest(times, first)"}
        return self._loop([], sequences, body, [])

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
            *indented(self._event(predicates)),
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

    def _event(self, predicates: Sequence[Code]) -> list[str]:
        lines = unless(predicates, ["filtered += 1", "continue"])
        if self._many:
            lines.append("gathered = []")
        lines += self._joins(0, nested=False)
        if self._many:
            lines += ["if not gathered:", "    joined_away += 1", "    continue", *self._gathered()]
        return lines

    def _joins(self, number: int, nested: bool) -> list[str]:
        """From join `number` on. `nested`: inside a loop over the rows of a join before it."""
        if number == len(self._plan.joins):
            return self._innermost()
        join = self._plan.joins[number]
        rows, row = f"rows{number}", join.relation.variable
        lines = [f"key = {join.key.text}"]
        found = f"find{number}(key, time_us if timed{number} else ())"
        lines.append(f"{rows} = () if key is None else {found}" if join.key.nullable else f"{rows} = {found}")
        lines.append(f"if not {rows}" + (" and waiting and key is not None:" if join.key.nullable else " and waiting:"))
        lines.append("    raise MissingError")
        leave = ["continue"] if nested else ["joined_away += 1", "continue"]
        if join.kind in (JoinKind.SEMI, JoinKind.ANTI):
            lines += self._exists(join, rows, leave)
            return lines + self._joins(number + 1, nested)
        if join.kind is JoinKind.INNER:
            lines += [f"if not {rows}:", f"    missed((index, {join.table!r}, key))", "    continue"]
        after = [*unless(self._predicates(join), leave), *self._joins(number + 1, nested)]
        if join.index is None:
            return lines + self._one(join, rows) + after
        inner = [*unless(self._predicates(join), ["continue"]), *self._joins(number + 1, nested=True)]
        if join.kind is JoinKind.LEFT:
            matches = f"[{row} for {row} in {rows} if {_all(join)}]" if join.residual else rows
            return [*lines, f"for {row} in {matches} or NOTHING:", *indented(inner)]
        return [*lines, f"for {row} in {rows}:", *indented(inner)]

    def _predicates(self, join: Join) -> list[Any]:
        inner = join.residual if join.kind is JoinKind.INNER else ()
        return [*inner, *self._plan.predicates.get(join.relation.stage, ())]

    def _one(self, join: Join, rows: str) -> list[str]:
        """The row of a join that finds one at most."""
        row = join.relation.variable
        if join.kind is JoinKind.INNER:
            return [f"{row} = {rows}[0]"]
        lines = [f"{row} = {rows}[0] if {rows} else None"]
        if join.residual:
            lines.append(f"if {row} is not None and not ({_all(join)}): {row} = None")
        return lines

    def _exists(self, join: Join, rows: str, leave: Sequence[str]) -> list[str]:
        row = join.relation.variable
        negation = "not " if join.kind is JoinKind.SEMI else ""
        if not join.residual:
            return [f"if {negation}{rows}:", *indented(leave)]
        return [
            "exists = False",
            f"for {row} in {rows}:",
            f"    if {_all(join)}:",
            "        exists = True",
            "        break",
            f"if {negation}exists:",
            *indented(leave),
        ]

    def _innermost(self) -> list[str]:
        if self._grouping:
            if self._many:
                return [f"gathered.append({tuple_of(group_values(self._grouping))})"]
            names = [name for part in group_names(self._grouping) for name in part]
            return [*assigned(names, group_values(self._grouping)), *self._add()]
        value = self._joined() if self._plan.models else record(self._plan, self._namespace)
        return [f"gathered.append({value})" if self._many else f"result((index, ({value},)))"]

    def _gathered(self) -> list[str]:
        if not self._grouping:
            return ["result((index, gathered))"]
        names = [name for part in group_names(self._grouping) for name in part]
        if not names:
            return ["for _ in gathered:", *indented(self._add())]
        return [f"for {tuple_of(names)} in gathered:", *indented(self._add())]

    def _add(self) -> list[str]:
        assert self._windows
        return [*self._windows.row, "added += 1"]

    def _joined(self) -> str:
        seen = [each for each in self._plan.joins if each.kind in (JoinKind.INNER, JoinKind.LEFT)]
        return tuple_of([each.relation.variable for each in seen])


def _all(join: Join) -> str:
    return " and ".join(f"{each.text} is True" for each in join.residual)
