"""AND, OR, NOT and IS, three-valued."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from sightline.query.expressions.code import Code
from sightline.query.types import BOOLEAN, STRING

if TYPE_CHECKING:
    from sightline.query.expressions.compiler import Expressions


def _not(e: Expressions, node: exp.Not) -> Code:
    return e.null_safe(lambda a: f"not {a}", BOOLEAN, _truth(e, node.this))


def _truth(e: Expressions, node: exp.Expression) -> Code:
    """A BOOLEAN, or a string that says one."""
    code = e.compile(node)
    return e.cast(code, BOOLEAN) if code.type == STRING and code.constant else e.condition(node)


def _and(e: Expressions, node: exp.And) -> Code:
    return both(e, e.condition(node.this), e.condition(node.expression))


def _or(e: Expressions, node: exp.Or) -> Code:
    return _logic(e, e.condition(node.this), e.condition(node.expression), "or", "True")


def both(e: Expressions, left: Code, right: Code) -> Code:
    return _logic(e, left, right, "and", "False")


def _logic(e: Expressions, left: Code, right: Code, operator: str, decides: str) -> Code:
    """AND and OR: one side decides alone, whatever the other is; else NULL if either is."""
    if not (left.nullable or right.nullable):
        return e.code(f"({left.text} {operator} {right.text})", BOOLEAN, False, left, right)
    a, b = e.temporary(), e.temporary()
    other = "True" if decides == "False" else "False"
    text = (
        f"({decides} if ({a} := {left.text}) is {decides} else {decides} if ({b} := {right.text}) is {decides} "
        f"else None if {a} is None or {b} is None else {other})"
    )
    return e.code(text, BOOLEAN, True, left, right)


def _is(e: Expressions, node: exp.Is) -> Code:
    wanted = node.expression
    if not isinstance(wanted, exp.Null | exp.Boolean):
        raise e.error("IS is followed by [NOT] NULL, TRUE or FALSE", node)
    if isinstance(wanted, exp.Boolean):
        value = e.condition(node.this)
        if value.constant:
            return e.constant(value.value is bool(wanted.this), BOOLEAN)
        return e.code(f"({value.text} is {bool(wanted.this)!r})", BOOLEAN, False, value)
    value = e.compile(node.this)
    return is_null(e, value)


def is_null(e: Expressions, value: Code) -> Code:
    if value.constant:
        return e.constant(value.value is None, BOOLEAN)
    return e.code(f"({value.text} is None)", BOOLEAN, False, value)


HANDLERS = {exp.Not: _not, exp.And: _and, exp.Or: _or, exp.Is: _is}
