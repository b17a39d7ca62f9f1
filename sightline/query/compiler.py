"""A plan as two Python functions: `prepare` joins and filters one event, `finish` turns the model's answer into rows.

The functions are generated as source and compiled once, so that one event costs microseconds. Literals are the only
thing of the user's text that enters the source, by `repr`; names go through the plan.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sightline.events import Event, format_time_us
from sightline.query.expressions import Code
from sightline.query.plan import ModelCall, Plan
from sightline.query.types import TIMESTAMP

Row = dict[str, Any]
Prediction = tuple[int, str, float]
"""Rank from 0, label, score."""


class NoMatch(NamedTuple):
    """The event has no row in `table`: it was looked for under `key`."""

    table: str
    key: Any


class Filtered(NamedTuple):
    """A predicate was not true: before any join, or after one."""

    joined: bool


Prepared = tuple[Any, ...] | NoMatch | Filtered


@dataclass(frozen=True)
class Query:
    """`prepare(event, tables)` gives the joined rows, or why there are none.

    `finish(event, rows, predictions)` gives the result's rows.

    `tables` maps a table's name to its rows by key. Without a model `predictions` is empty and ignored.
    """

    prepare: Callable[[Event, Mapping[str, Mapping[Any, Any]]], Prepared]
    finish: Callable[[Event, tuple[Any, ...], Sequence[Prediction]], list[Row]]
    model: ModelCall | None
    source: str


def compile_plan(plan: Plan) -> Query:
    source = _prepare(plan) + _finish(plan)
    namespace: dict[str, Any] = {
        **plan.namespace,
        "NoMatch": NoMatch,
        "FILTERED": Filtered(joined=False),
        "FILTERED_JOINED": Filtered(joined=True),
        "time": format_time_us,
    }
    exec(compile(source, "<query>", "exec"), namespace)
    return Query(namespace["prepare"], namespace["finish"], plan.model, source)


def _prepare(plan: Plan) -> str:
    lines = ["def prepare(event, tables):"]
    lines += _filters(plan.predicates.get(0, []), "return FILTERED")
    for join in plan.joins:
        row = join.relation.variable
        lines += [
            f"    key = {join.key.text}",
            f"    {row} = None if key is None else tables[{join.table!r}].get(key)",
            f"    if {row} is None: return NoMatch({join.table!r}, key)",
        ]
        lines += _filters(plan.predicates.get(join.relation.stage, []), "return FILTERED_JOINED")
    lines.append(f"    return ({_joined(plan)})")
    return "\n".join(lines) + "\n"


def _finish(plan: Plan) -> str:
    lines = ["def finish(event, rows, predictions):"]
    if plan.joins:
        lines.append(f"    ({_joined(plan)}) = rows")
    lines.append("    results = []")
    if plan.model:
        lines.append("    for prediction in predictions:")
        lines += _filters(plan.predicates.get(plan.model.relation.stage, []), "continue", indent=8)
    else:
        lines.append("    if True:")
    columns = ", ".join(f"{name!r}: {_output(code)}" for name, code in plan.output.items())
    lines += [f"        results.append({{{columns}}})", "    return results"]
    return "\n".join(lines) + "\n"


def _filters(predicates: list[Code], otherwise: str, indent: int = 4) -> list[str]:
    return [f"{' ' * indent}if {each.text} is not True: {otherwise}" for each in predicates]


def _joined(plan: Plan) -> str:
    return "".join(join.relation.variable + ", " for join in plan.joins)


def _output(code: Code) -> str:
    if code.type != TIMESTAMP:
        return code.text
    return f"time({code.text})" if not code.nullable else f"(None if (v := {code.text}) is None else time(v))"
