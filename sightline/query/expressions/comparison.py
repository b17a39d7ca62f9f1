"""Comparisons, BETWEEN, IN, LIKE and RLIKE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from sightline.query.expressions.code import Code
from sightline.query.expressions.coercion import common_type, common_type_of
from sightline.query.types import BOOLEAN, DOUBLE, FLOAT, NULL, Array, Decimal, Struct, Type

if TYPE_CHECKING:
    from sightline.query.expressions.compiler import Expressions

_OPERATORS: dict[type[exp.Expression], str] = {
    exp.EQ: "==",
    exp.NEQ: "!=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
}


def _comparison(e: Expressions, node: exp.Expression) -> Code:
    return compare(e, _OPERATORS[type(node)], e.compile(node.this), e.compile(node.expression), node)


def compare(e: Expressions, operator: str, left: Code, right: Code, node: exp.Expression) -> Code:
    left, right = meet(e, left, right, node)
    kind = left.type
    if _has_struct(kind) or (isinstance(kind, Array) and (operator not in ("==", "!=") or _has_float(kind))):
        raise e.error(f"{str(kind).upper()} can't be compared by {operator}: compare its elements", node)
    if kind not in (FLOAT, DOUBLE):
        return e.null_safe(lambda a, b: f"{a} {operator} {b}", BOOLEAN, left, right)
    if right.constant and right.value == right.value:
        text = {">": "not {a} <= {b}", ">=": "not {a} < {b}"}.get(operator, f"{{a}} {operator} {{b}}")
    else:
        text = _FLOATS[operator]
    return e.null_safe(lambda a, b: text.format(a=a, b=b), BOOLEAN, left, right, reuse=True)


# NaN equals itself and is above everything.
_FLOATS = {
    "==": "({a} == {b} or ({a} != {a} and {b} != {b}))",
    "!=": "not ({a} == {b} or ({a} != {a} and {b} != {b}))",
    "<": "({a} < {b} or ({b} != {b} and {a} == {a}))",
    ">": "({b} < {a} or ({a} != {a} and {b} == {b}))",
    "<=": "not ({b} < {a} or ({a} != {a} and {b} == {b}))",
    ">=": "not ({a} < {b} or ({b} != {b} and {a} == {a}))",
}


def meet(e: Expressions, left: Code, right: Code, node: exp.Expression) -> tuple[Code, Code]:
    """Both in the type in which they are compared."""
    kind = common_type(left.type, right.type)
    if kind is None:
        raise e.error(f"can't compare {str(left.type).upper()} with {str(right.type).upper()}: write a CAST", node)
    return _as(e, left, kind), _as(e, right, kind)


def _as(e: Expressions, code: Code, kind: Type) -> Code:
    if isinstance(kind, Decimal) and code.type.integral and kind.precision < 38:
        # Python compares the two exactly.
        return Code(code.text, kind, code.nullable, code.stage, code.constant, code.value)
    return e.cast(code, kind) if code.type != kind else code


def _has_struct(kind: Type) -> bool:
    return isinstance(kind, Struct) or (isinstance(kind, Array) and _has_struct(kind.element))


def _has_float(kind: Type) -> bool:
    return kind.fractional or (isinstance(kind, Array) and _has_float(kind.element))


def _null_safe_equal(e: Expressions, node: exp.Expression) -> Code:
    return same(e, e.compile(node.this), e.compile(node.expression), node)


def _distinct(e: Expressions, node: exp.Expression) -> Code:
    return e.null_safe(lambda a: f"not {a}", BOOLEAN, same(e, e.compile(node.this), e.compile(node.expression), node))


def same(e: Expressions, left: Code, right: Code, node: exp.Expression) -> Code:
    """`<=>`: NULL is NULL."""
    left, right = meet(e, left, right, node)
    if left.type == NULL:
        return e.constant(True, BOOLEAN)
    if not (left.nullable or right.nullable):
        return compare(e, "==", left, right, node)
    (keep_left, a), (keep_right, b) = held(e, left), held(e, right)
    equal = compare(e, "==", a, b, node).text
    text = f"(({keep_right}) is None if ({keep_left}) is None else ({keep_right}) is not None and {equal})"
    return e.code(text, BOOLEAN, False, left, right)


def held(e: Expressions, code: Code) -> tuple[str, Code]:
    """Source that computes `code` and keeps it, and the kept value as one that is not NULL."""
    name = e.temporary()
    return f"{name} := {code.text}", Code(name, code.type, False, code.stage)


def _between(e: Expressions, node: exp.Between) -> Code:
    from sightline.query.expressions.logic import both

    value = e.compile(node.this)
    if node.args.get("symmetric"):
        raise e.error("SYMMETRIC is not supported", node)
    low, high = e.compile(node.args["low"]), e.compile(node.args["high"])
    if NULL in (value.type, low.type, high.type):
        return both(e, compare(e, ">=", value, low, node), compare(e, "<=", value, high, node))
    keep, kept = held(e, value)
    inside = both(e, compare(e, ">=", kept, low, node), compare(e, "<=", kept, high, node))
    text = f"(None if ({keep}) is None else {inside.text})"
    return e.code(text, BOOLEAN, value.nullable or inside.nullable, value, low, high)


def _in(e: Expressions, node: exp.In) -> Code:
    if not node.expressions:
        raise e.error("IN needs a list of values", node)
    value, options = e.compile(node.this), [e.compile(each) for each in node.expressions]
    kind = common_type_of([value.type, *(each.type for each in options)])
    if kind is None or isinstance(kind, Array | Struct):
        kinds = sorted({str(each.type).upper() for each in (value, *options)})
        raise e.error(f"can't compare {' with '.join(kinds)} by IN: write a CAST", node)
    if kind == NULL:
        return e.constant(None, BOOLEAN)
    value, options = e.cast(value, kind), [e.cast(each, kind) for each in options]
    if all(each.constant and each.value == each.value for each in options):
        return _in_constants(e, value, options)
    return _in_any(e, value, options, node)


def _in_constants(e: Expressions, value: Code, options: list[Code]) -> Code:
    chosen = e.keep(frozenset(each.value for each in options if each.value is not None))
    with_null = any(each.value is None for each in options)
    text = f"True if {{}} in {chosen} else None" if with_null else f"{{}} in {chosen}"
    return e.null_safe(lambda a: f"({text.format(a)})", BOOLEAN, value, gives_null=with_null)


def _in_any(e: Expressions, value: Code, options: list[Code], node: exp.Expression) -> Code:
    """From left to right until one is equal; NULL if none is and one was NULL."""
    keep, kept = held(e, value)
    answers = [(e.temporary(), compare(e, "==", kept, each, node)) for each in options]
    tests = " else ".join(f"True if ({name} := {equal.text})" for name, equal in answers)
    unknown = " or ".join(f"{name} is None" for name, equal in answers if equal.nullable)
    text = f"(None if ({keep}) is None else {tests} else {f'None if {unknown} else False' if unknown else 'False'})"
    return e.code(text, BOOLEAN, value.nullable or bool(unknown), value, *options)


HANDLERS = {
    **dict.fromkeys(_OPERATORS, _comparison),
    exp.NullSafeEQ: _null_safe_equal,
    exp.NullSafeNEQ: _distinct,
    exp.Between: _between,
    exp.In: _in,
}
