"""Arithmetic and bits. What does not fit its type is an error of the row, as in ANSI Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from sightline.query.errors import overflow
from sightline.query.expressions import decimals, intervals
from sightline.query.expressions.code import Code
from sightline.query.expressions.coercion import common_type
from sightline.query.runtime import numbers
from sightline.query.types import BIGINT, DATE, DOUBLE, FLOAT, NULL, STRING, TIMESTAMP, Decimal, Type

if TYPE_CHECKING:
    from sightline.query.expressions.compiler import Expressions

SYMBOLS: dict[type[exp.Expression], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%", exp.IntDiv: "div",
    exp.BitwiseAnd: "&", exp.BitwiseOr: "|", exp.BitwiseXor: "^",
}  # fmt: skip


def _binary(e: Expressions, node: exp.Expression) -> Code:
    symbol = SYMBOLS[type(node)]
    if symbol in "+-" and (moved := intervals.moved(e, node, symbol)) is not None:
        return moved
    return arithmetic(e, symbol, e.compile(node.this), e.compile(node.expression), node)


def arithmetic(e: Expressions, symbol: str, left: Code, right: Code, node: exp.Expression) -> Code:
    if DATE in (left.type, right.type) or TIMESTAMP in (left.type, right.type):
        return intervals.of_dates(e, symbol, left, right, node)
    kinds = f"{str(left.type).upper()} {symbol} {str(right.type).upper()}"
    kind = common_type(left.type, right.type)
    if symbol == "/" and left.type == NULL and right.type.numeric:
        return e.constant(None, DOUBLE)
    if kind == NULL:
        kind = BIGINT if symbol in "div&|^" else DOUBLE
    if kind is None or not kind.numeric or (left.type == right.type == STRING):
        raise e.error(f"{kinds} is not defined: numbers are needed, write a CAST", node)
    if isinstance(kind, Decimal) and symbol not in "&|^":
        return decimals.arithmetic(e, symbol, left, right)
    if (symbol == "div" or symbol in "&|^") and not kind.integral:
        raise e.error(f"{kinds} is not defined: whole numbers are needed, write CAST(… AS BIGINT)", node)
    if symbol == "/":
        kind = DOUBLE
    elif symbol == "div":
        kind = BIGINT
    return typed(e, symbol, e.cast(left, kind), e.cast(right, kind), kind)


def typed(e: Expressions, symbol: str, left: Code, right: Code, kind: Type) -> Code:
    """Both operands are of type `kind`."""
    if symbol == "/":
        return _rounded(e, e.call(numbers.divide, DOUBLE, left, right, last_first=True), kind)
    if symbol == "%":
        helper = numbers.remainder_float if kind.fractional else numbers.remainder
        return e.call(helper, kind, left, right, last_first=True)
    if symbol == "div":
        return e.call(numbers.divide_whole, BIGINT, left, right, last_first=True)
    if symbol in "&|^":
        return e.null_safe(lambda a, b: f"{a} {symbol} {b}", kind, left, right)
    if kind.fractional:
        return _rounded(e, e.null_safe(lambda a, b: f"{a} {symbol} {b}", DOUBLE, left, right), kind)
    return e.null_safe(lambda a, b: _checked(e, f"{a} {symbol} {b}", kind), kind, left, right)


def _checked(e: Expressions, text: str, kind: Type) -> str:
    low, high = numbers.LIMITS[kind.name]
    name = e.temporary()
    return f"({name} if {low} <= ({name} := {text}) <= {high} else {e.use(overflow)}({kind.name!r}))"


def _rounded(e: Expressions, code: Code, kind: Type) -> Code:
    return e.call(numbers.float32, FLOAT, code) if kind == FLOAT else code


def negate(e: Expressions, node: exp.Neg) -> Code:
    code = e.compile(node.this)
    if code.type in (NULL, STRING):
        code = e.cast(code, DOUBLE)
    if not code.type.numeric:
        raise e.error(f"- needs a number, this is {str(code.type).upper()}", node)
    if code.type.integral:
        return e.null_safe(lambda a: _checked(e, f"-{a}", code.type), code.type, code)
    if isinstance(code.type, Decimal):
        return decimals.negative(e, code, code.type)
    return e.null_safe(lambda a: f"-{a}", code.type, code)


def _bit_not(e: Expressions, node: exp.BitwiseNot) -> Code:
    code = e.compile(node.this)
    if not code.type.integral:
        raise e.error(f"~ needs a whole number, this is {str(code.type).upper()}", node)
    return e.null_safe(lambda a: f"~{a}", code.type, code)


HANDLERS = {**dict.fromkeys(SYMBOLS, _binary), exp.BitwiseNot: _bit_not}
