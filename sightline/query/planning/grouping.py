"""GROUP BY with a window of event time, aggregates, HAVING."""

import re
from collections.abc import Iterator

from sqlglot import exp

from sightline.query.expressions import Code
from sightline.query.pipeline import parse_duration_s
from sightline.query.planning.nodes import Grouping, Plan
from sightline.query.planning.scope import Scope, conjuncts
from sightline.query.schema import Column, Relation
from sightline.query.types import TIMESTAMP, Field, Struct
from sightline.query.windows.aggregates import AggregateCall, Aggregation
from sightline.query.windows.spec import WindowSpec

WINDOW_TYPE = Struct(fields=(Field("start", TIMESTAMP), Field("end", TIMESTAMP)))

_FUNCTIONS: dict[type[exp.Expression], str] = {
    exp.Count: "count",
    exp.Sum: "sum",
    exp.Min: "min",
    exp.Max: "max",
    exp.Avg: "avg",
}
_INTERVAL = re.compile(r"\s*(?:interval\s+)?(\d+)\s+(millisecond|second|minute|hour|day|week)s?\s*", re.IGNORECASE)
_UNIT_US = {
    "millisecond": 1_000,
    "second": 1_000_000,
    "minute": 60_000_000,
    "hour": 3_600_000_000,
    "day": 86_400_000_000,
    "week": 604_800_000_000,
}


def aggregates_of(node: exp.Expression) -> Iterator[exp.Expression]:
    return node.find_all(*_FUNCTIONS)


def plan_grouping(scope: Scope, plan: Plan, select: exp.Select) -> None:
    """Sets `plan.grouping`, after which expressions see groups instead of rows. Raises QueryError."""
    group = select.args.get("group")
    nodes: list[exp.Expression] = list(group.expressions) if group else []
    having = select.args.get("having")
    if group is not None and any(value for name, value in group.args.items() if name != "expressions"):
        raise scope.error("GROUPING SETS, ROLLUP and CUBE are not supported", group)
    windows = [each for each in nodes if _is_window(each)]
    if len(windows) != 1:
        at = windows[1] if windows else (nodes or list(aggregates_of(select)) or [select])[0]
        raise scope.error(
            "GROUP BY needs one window of event time, such as window(e.time, '10 seconds'): "
            "without it no group is ever complete",
            at,
        )
    spec = _spec(scope, plan, windows[0])
    keys = [each for each in nodes if not _is_window(each)]
    codes = tuple(scope.expressions.compile(_unaliased(select, each)) for each in keys)
    calls, arguments = _aggregates(scope, select)
    _see_groups(scope, plan, windows[0], [_unaliased(select, each) for each in keys], codes, calls)
    conditions = tuple(scope.expressions.condition(each) for each in conjuncts(having.this)) if having else ()
    names = tuple(each.sql("spark") for each in keys)
    source_key = scope.pipeline.sources[plan.source_name].key
    column = plan.source.columns[source_key.lower()].read.format(row=plan.source.variable) if source_key else None
    by_key = any(each.text == column for each in codes)
    plan.grouping = Grouping(spec, codes, names, tuple(calls.values()), tuple(arguments), conditions, by_key)


def _is_window(node: exp.Expression) -> bool:
    return isinstance(node, exp.Anonymous | exp.Func) and (
        node.name.lower() == "window" if isinstance(node, exp.Anonymous) else node.key == "window"
    )


def _unaliased(select: exp.Select, node: exp.Expression) -> exp.Expression:
    """GROUP BY may name a column of SELECT by its alias, or by its position."""
    if isinstance(node, exp.Literal) and node.is_int and 1 <= int(node.this) <= len(select.expressions):
        return select.expressions[int(node.this) - 1].unalias()
    if isinstance(node, exp.Column) and not node.table:
        for each in select.expressions:
            if isinstance(each, exp.Alias) and each.alias.lower() == node.name.lower():
                return each.this
    return node


def _spec(scope: Scope, plan: Plan, node: exp.Expression) -> WindowSpec:
    arguments = node.expressions if isinstance(node, exp.Anonymous) else [node.this, *node.args.get("expressions", [])]
    if len(arguments) not in (2, 3):
        raise scope.error("write window(time, size[, slide]), such as window(e.time, '10 seconds', '5 seconds')", node)
    time = plan.source.columns["time"].read.format(row=plan.source.variable)
    if scope.expressions.compile(arguments[0]).text != time:
        wanted = f"{plan.source.alias}.time"
        raise scope.error(f"windows are of event time, which is {wanted}; the source's event_time says how", node)
    size_us, slide_us = (_interval_us(scope, arguments[each]) if each < len(arguments) else 0 for each in (1, 2))
    if slide_us > size_us:
        raise scope.error("the slide of a window can't be longer than its size", arguments[2])
    source = scope.pipeline.sources[plan.source_name]
    return WindowSpec(
        size_us=size_us,
        slide_us=slide_us or size_us,
        delay_us=round(parse_duration_s(source.watermark) * 1e6),
        lateness_us=round(parse_duration_s(scope.pipeline.windows.allowed_lateness) * 1e6),
        emit=scope.pipeline.windows.emit,
    )


def _interval_us(scope: Scope, node: exp.Expression) -> int:
    text = node.this if isinstance(node, exp.Literal) and node.is_string else ""
    match = _INTERVAL.fullmatch(text)
    if not match or not int(match[1]):
        raise scope.error(f"an interval such as '10 seconds' is expected, one of {', '.join(_UNIT_US)}", node)
    return int(match[1]) * _UNIT_US[match[2].lower()]


def _aggregates(scope: Scope, select: exp.Select) -> tuple[dict[exp.Expression, AggregateCall], list[tuple[Code, ...]]]:
    """Each distinct aggregate of SELECT and HAVING, and the code of its arguments."""
    calls: dict[exp.Expression, AggregateCall] = {}
    arguments: list[tuple[Code, ...]] = []
    roots = [*select.expressions, *([select.args["having"]] if select.args.get("having") else [])]
    for root in roots:
        for node in aggregates_of(root):
            if node in calls:
                continue
            if any(each is not node for each in aggregates_of(node)):
                raise scope.error("an aggregate inside an aggregate", node)
            call, codes = _aggregate(scope, node)
            calls[node] = call
            arguments.append(codes)
    return calls, arguments


def _aggregate(scope: Scope, node: exp.Expression) -> tuple[AggregateCall, tuple[Code, ...]]:
    function, argument = _FUNCTIONS[type(node)], node.this
    distinct = isinstance(argument, exp.Distinct)
    if isinstance(argument, exp.Star) or (function == "count" and isinstance(argument, exp.Literal)):
        return AggregateCall("count", ()), ()
    parts = argument.expressions if distinct else [argument, *node.expressions]
    codes = tuple(scope.expressions.compile(each) for each in parts)
    for code, part in zip(codes, parts, strict=True):
        if function in ("sum", "avg") and not code.type.numeric:
            raise scope.error(f"{function} needs a number, this is {code.type}", part)
        if code.type.name in ("binary", "array", "struct"):
            raise scope.error(f"{function} of {code.type} is not supported", part)
    if distinct and function not in ("count", "min", "max"):
        raise scope.error(f"{function}(DISTINCT …) is not supported", node)
    if len(codes) > 1 and function != "count":
        raise scope.error(f"{function} takes one argument", node)
    return AggregateCall(function, tuple(each.type for each in codes), distinct and function == "count"), codes


def _see_groups(
    scope: Scope,
    plan: Plan,
    window: exp.Expression,
    keys: list[exp.Expression],
    codes: tuple[Code, ...],
    calls: dict[exp.Expression, AggregateCall],
) -> None:
    """From here on expressions see the window, the keys and the aggregates, and no row."""
    spec_end = "end_us"
    columns = {
        "start": Column(TIMESTAMP, False, "start"),
        "end": Column(TIMESTAMP, False, spec_end),
    }
    expressions = scope.expressions
    expressions.relations = {"window": Relation("window", columns, 0, "window")}
    expressions.substitutes = {window: Code("window(start, end_us)", WINDOW_TYPE, False, 0)}
    for index, (node, code) in enumerate(zip(keys, codes, strict=True)):
        expressions.substitutes[node] = Code(f"key[{index}]", code.type, code.nullable, 0)
    types = Aggregation(tuple(calls.values())).result_types
    for index, (node, kind) in enumerate(zip(calls, types, strict=True)):
        nullable = calls[node].function != "count"
        expressions.substitutes[node] = Code(f"values[{index}]", kind, nullable, 0)
