"""What happens to one event in the loop of a scan: predicates, joins, and what the rows that are left become.

The lines stand in a `try`, in a loop, and use its variables: see scan.py.
"""

from collections.abc import Sequence
from typing import Any

from sightline.query.compiling.source import assigned, group_names, group_values, indented, record, tuple_of, unless
from sightline.query.expressions import Code
from sightline.query.planning.nodes import Grouping, Join, JoinKind, Plan
from sightline.query.windows.accumulate import AccumulateSource


class MissingError(Exception):
    """Raised and caught in the generated loop: a row is looked for that may be on its way."""


NOTHING = (None,)
"""The rows of a LEFT JOIN that found none."""


class EventSource:
    """`grouping` and `windows` only where rows go straight into windows."""

    def __init__(
        self, plan: Plan, grouping: Grouping | None, windows: AccumulateSource | None, namespace: dict[str, Any]
    ) -> None:
        self._plan, self._grouping, self._windows, self._namespace = plan, grouping, windows, namespace
        # One event may have several rows: they are gathered, so that an error in one of them leaves none behind.
        self._many = any(each.index is not None and each.kind in (JoinKind.INNER, JoinKind.LEFT) for each in plan.joins)

    def lines(self, predicates: Sequence[Code]) -> list[str]:
        """`predicates` are those of the event alone. The lines are those of a loop's body."""
        lines = unless(predicates, ["filtered += 1", "continue"])
        if self._many:
            lines.append("gathered, missing = [], None")
        lines += self._joins(0, nested=False)
        if self._many:
            lines += [
                "if not gathered:",
                "    if missing: missed((index, *missing))",
                "    else: joined_away += 1",
                "    continue",
                *self._gathered(),
            ]
        if self._windows:
            lines.append("added += 1")
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
            # Of several rows one may be in all tables.
            miss = f"missing = ({join.table!r}, key)" if nested else f"missed((index, {join.table!r}, key))"
            lines += [f"if not {rows}:", f"    {miss}", "    continue"]
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
        return self._windows.row

    def _joined(self) -> str:
        seen = [each for each in self._plan.joins if each.kind in (JoinKind.INNER, JoinKind.LEFT)]
        return tuple_of([each.relation.variable for each in seen])


def _all(join: Join) -> str:
    return " and ".join(f"{each.text} is True" for each in join.residual)
