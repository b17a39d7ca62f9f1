"""Calls of functions, and the operators that are written as something else: LIKE, ||, TRIM, EXTRACT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from sightline.query.functions import load
from sightline.query.functions.registry import FUNCTIONS, Call, Function, argument
from sightline.query.schema import did_you_mean
from sightline.query.types import STRING

if TYPE_CHECKING:
    from sightline.query.expressions import Code, Expressions

_REFUSED = {
    **dict.fromkeys(
        ("now", "current_timestamp", "current_date", "curdate", "localtimestamp"),
        "a replay would give another result; use the event's time",
    ),
    **dict.fromkeys(("rand", "random", "randn", "uuid", "shuffle"), "a replay would give another result"),
    **dict.fromkeys(
        ("transform", "filter", "exists", "forall", "aggregate", "reduce", "zip_with"), "lambdas are not supported"
    ),
    **dict.fromkeys(("map", "map_from_arrays", "str_to_map", "map_keys", "map_values"), "MAP is not supported"),
}


_WITH_UNIT = {
    "dateadd": "timestampadd",
    "date_add": "timestampadd",
    "datediff": "timestampdiff",
    "date_diff": "timestampdiff",
}


def _anonymous(e: Expressions, node: exp.Anonymous) -> Code:
    return call(e, str(node.name), node.expressions, node)


def call(e: Expressions, name: str, arguments: list[exp.Expression], node: exp.Expression) -> Code:
    load()
    lower = name.lower()
    if len(arguments) == 3:
        lower = _WITH_UNIT.get(lower, lower)
    function = FUNCTIONS.get(lower)
    if function is None:
        if lower in _REFUSED:
            raise e.error(f"{name} is not supported: {_REFUSED[lower]}", node)
        raise e.error(f"unknown function {name!r}{did_you_mean(lower, FUNCTIONS)}", node)
    _check_count(e, function, len(arguments), node)
    codes = []
    for index, each in enumerate(arguments):
        if isinstance(each, exp.Lambda):
            raise e.error("lambdas are not supported", each)
        if function.parameter(index).type == "unit":
            codes.append(e.constant(_word(e, each), STRING))
        else:
            bare = each.this if isinstance(each, exp.Alias) else each
            codes.append(argument(e, function, index, each, e.compile(bare)))
    return function.compile(Call(e, node, arguments, codes, function))


def _check_count(e: Expressions, function: Function, given: int, node: exp.Expression) -> None:
    most = len(function.parameters)
    if given < function.required or (given > most and not function.variadic):
        needed = function.required
        wanted = f"{needed} or more" if function.variadic else str(most) if needed == most else f"{needed} to {most}"
        plural = "" if wanted == "1" else "s"
        raise e.error(f"{function.signature} takes {wanted} argument{plural}, {given} were given", node)


def _word(e: Expressions, node: exp.Expression) -> str:
    if isinstance(node, exp.Column | exp.Var | exp.Identifier) or (isinstance(node, exp.Literal) and node.is_string):
        return str(node.name).upper()
    raise e.error("a unit such as DAY is expected", node)


def _operator(name: str, *keys: str):  # type: ignore[no-untyped-def]
    def compile_node(e: Expressions, node: exp.Expression) -> Code:
        return call(e, name, [node.args[key] for key in keys if node.args.get(key) is not None], node)

    return compile_node


def _trim(e: Expressions, node: exp.Trim) -> Code:
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(node.args.get("position") or "", "trim")
    if node.args.get("position") is None and node.expression is not None:
        raise e.error("write trim(BOTH characters FROM text)", node)
    if node.expression is None:
        return call(e, name, [node.this], node)
    return call(e, name, [node.expression, node.this], node)


def _position(e: Expressions, node: exp.StrPosition) -> Code:
    arguments = [node.args["substr"], node.this]
    return call(e, "locate", arguments + ([node.args["position"]] if node.args.get("position") else []), node)


def _escape(e: Expressions, node: exp.Escape) -> Code:
    name = "ilike" if isinstance(node.this, exp.ILike) else "like"
    if not isinstance(node.this, exp.Like | exp.ILike):
        raise e.error("ESCAPE follows LIKE or ILIKE", node)
    return call(e, name, [node.this.this, node.this.expression, node.expression], node)


def _extract(e: Expressions, node: exp.Extract) -> Code:
    return call(e, "date_part", [exp.Literal.string(node.this.name), node.expression], node)


def _concat(e: Expressions, node: exp.Concat) -> Code:
    return call(e, "concat", node.expressions, node)


def _array(e: Expressions, node: exp.Array) -> Code:
    return call(e, "array", node.expressions, node)


def _quantified(e: Expressions, node: exp.Like) -> Code:
    if isinstance(node.expression, exp.All | exp.Any):
        raise e.error("LIKE ALL and LIKE ANY are not supported: write AND or OR", node)
    return call(e, "ilike" if isinstance(node, exp.ILike) else "like", [node.this, node.expression], node)


HANDLERS = {
    exp.Anonymous: _anonymous,
    exp.Substring: _operator("substring", "this", "start", "length"),
    exp.DPipe: _operator("concat", "this", "expression"),
    exp.RegexpLike: _operator("rlike", "this", "expression"),
    exp.Like: _quantified,
    exp.ILike: _quantified,
    exp.Escape: _escape,
    exp.Trim: _trim,
    exp.StrPosition: _position,
    exp.Extract: _extract,
    exp.Concat: _concat,
    exp.Array: _array,
}
