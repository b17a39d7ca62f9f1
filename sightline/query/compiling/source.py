"""Pieces of generated source."""

from collections.abc import Iterable, Sequence
from typing import Any

from sightline.query.compiling.present import presented
from sightline.query.expressions import Code
from sightline.query.planning.nodes import Grouping, Plan
from sightline.query.windows.accumulate import AccumulateSource, RowVariables, accumulate_source
from sightline.query.windows.windowing import Windowing


def indented(lines: Iterable[str], levels: int = 1) -> list[str]:
    return ["    " * levels + each for each in lines]


def unless(predicates: Iterable[Code], otherwise: Sequence[str]) -> list[str]:
    """Do `otherwise`, which must leave, where a predicate is false or NULL."""
    lines = []
    for each in predicates:
        condition = f"not {each.truth}" if each.truth else f"{each.text} is not True"
        lines += [f"if {condition}:", *indented(otherwise)]
    return lines


def record(plan: Plan, namespace: dict[str, Any]) -> str:
    """The result's row as a dict expression."""
    columns = ", ".join(f"{name!r}: {presented(code, namespace)}" for name, code in plan.output.items())
    return f"{{{columns}}}"


def group_names(grouping: Grouping) -> tuple[list[str], list[str]]:
    """The variables of a row's group keys, and of its aggregates' arguments."""
    arguments = sum(map(len, grouping.arguments))
    return [f"key{i}" for i in range(len(grouping.keys))], [f"argument{i}" for i in range(arguments)]


def group_values(grouping: Grouping) -> list[str]:
    """What goes into these variables."""
    return [each.text for each in grouping.keys] + [each.text for codes in grouping.arguments for each in codes]


def accumulating(grouping: Grouping, windowing: Windowing, late: str, replay: bool = False) -> AccumulateSource:
    """The source that adds a row, whose values are in the variables of `group_names`, to a window state."""
    keys, values = group_names(grouping)
    nullable = [each.nullable for codes in grouping.arguments for each in codes]
    row = RowVariables(time="time_us", key=keys, values=values, nullable=nullable, late=late, offset="offset")
    return accumulate_source(windowing, row, replay=replay)


def assigned(names: Sequence[str], values: Sequence[str]) -> list[str]:
    return [f"{name} = {value}" for name, value in zip(names, values, strict=True)]


def tuple_of(names: Sequence[str]) -> str:
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"
