"""The types of DECIMAL arithmetic: Spark's DecimalPrecision, with allowPrecisionLoss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.query.expressions.code import Code
from sightline.query.expressions.coercion import decimal_of
from sightline.query.runtime import decimals
from sightline.query.types import BIGINT, DECIMAL_PRECISION_MAX, INT, NULL, SMALLINT, Decimal, Type

if TYPE_CHECKING:
    from sightline.query.expressions.compiler import Expressions

SCALE_KEPT_MIN = 6


def adjusted(precision: int, scale: int) -> Decimal:
    """At most 38 digits; up to 6 of those after the point are kept."""
    if precision <= DECIMAL_PRECISION_MAX:
        return Decimal(precision=precision, scale=scale)
    kept = max(DECIMAL_PRECISION_MAX - (precision - scale), min(scale, SCALE_KEPT_MIN))
    return Decimal(precision=DECIMAL_PRECISION_MAX, scale=kept)


def result_type(symbol: str, a: Decimal, b: Decimal) -> Decimal:
    scale = max(a.scale, b.scale)
    whole_a, whole_b = a.precision - a.scale, b.precision - b.scale
    if symbol in ("+", "-"):
        return adjusted(max(whole_a, whole_b) + scale + 1, scale)
    if symbol == "*":
        return adjusted(a.precision + b.precision + 1, a.scale + b.scale)
    if symbol == "/":
        digits = max(SCALE_KEPT_MIN, a.scale + b.precision + 1)
        return adjusted(whole_a + b.scale + digits, digits)
    return adjusted(min(whole_a, whole_b) + scale, scale)


_HELPERS = {
    "+": decimals.decimal_add,
    "-": decimals.decimal_subtract,
    "*": decimals.decimal_multiply,
    "/": decimals.decimal_divide,
    "%": decimals.decimal_remainder,
    "pmod": decimals.decimal_positive_remainder,
}


def arithmetic(e: Expressions, symbol: str, left: Code, right: Code) -> Code:
    a, b = _operand_type(left, right.type), _operand_type(right, left.type)
    left, right = e.cast(left, a), e.cast(right, b)
    if symbol == "div":
        return e.call(decimals.decimal_divide_whole, BIGINT, left, right, last_first=True)
    kind = result_type(symbol, a, b)
    name = e.use(_HELPERS[symbol])
    size, divides = f"{kind.precision}, {kind.scale}", symbol in ("/", "%", "pmod")
    return e.null_safe(lambda x, y: f"{name}({x}, {y}, {size})", kind, left, right, last_first=divides)


def negative(e: Expressions, code: Code, kind: Decimal) -> Code:
    name = e.use(decimals.decimal_negative)
    return e.null_safe(lambda a: f"{name}({a}, {kind.precision}, {kind.scale})", kind, code)


def _operand_type(code: Code, other: Type) -> Decimal:
    """A whole number that the user wrote counts by its digits, any other by its type; NULL is as the other."""
    if code.type == NULL:
        return decimal_of(other)
    if code.literal and code.type in (SMALLINT, INT, BIGINT):
        return Decimal(precision=len(str(abs(code.value))), scale=0)
    return decimal_of(code.type)
