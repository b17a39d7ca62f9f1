"""What comes after the models: their answers to rows, and rows that waited for an answer into windows.

def finish(row, time_us, joined, answers, out): …   # appends the rows of one event, or (group values) tuples
def accumulate(entries, state): …                   # entries: (time_us, top_us, offset, late, group values)
"""

from typing import Any

from sightline.query.compiling.source import accumulating, group_names, group_values, indented, record, tuple_of, unless
from sightline.query.planning.nodes import JoinKind, Plan
from sightline.query.windows.windowing import Windowing


def finish_source(plan: Plan, namespace: dict[str, Any]) -> list[str]:
    value = tuple_of(group_values(plan.grouping)) if plan.grouping else record(plan, namespace)
    inner = [*unless(plan.predicates.get(plan.model_stage, ()), ["continue"]), f"add({value})"]
    if plan.explode:
        call = plan.explode.call.variable
        inner = [f"for {plan.explode.relation.variable} in {call} or ():", *indented(inner)]
    seen = [each.relation.variable for each in plan.joins if each.kind in (JoinKind.INNER, JoinKind.LEFT)]
    rows = f"for {tuple_of(seen)} in joined:" if seen else "for _ in joined:"
    return [
        "def finish(row, time_us, joined, answers, out):",
        "    add = out.append",
        f"    {tuple_of([each.variable for each in plan.models])} = answers",
        *indented([rows, *indented(inner)]),
    ]


def images_source(plan: Plan) -> list[str]:
    """The image of each model call, by the event's row alone."""
    return ["def images(row, time_us):", f"    return {tuple_of([each.image.text for each in plan.models])}"]


def accumulate_entries_source(plan: Plan, windowing: Windowing) -> list[str]:
    assert plan.grouping
    windows = accumulating(plan.grouping, windowing, "late")
    names = [name for part in group_names(plan.grouping) for name in part]
    each_row = f"for {tuple_of(names)} in values:" if names else "for _ in values:"
    return [
        "def accumulate(entries, state):",
        *indented(
            [
                *windows.before,
                "for time_us, top_us, offset, late, values in entries:",
                *indented(windows.newest("top_us")),
                *indented([each_row, *indented(windows.row)]),
                *windows.after,
            ]
        ),
    ]
