"""Literals, typed as Spark types them."""

from __future__ import annotations

from decimal import Decimal as Number
from typing import TYPE_CHECKING

from sqlglot import exp

from sightline.query.expressions.code import Code
from sightline.query.types import BIGINT, BINARY, BOOLEAN, DECIMAL_PRECISION_MAX, DOUBLE, INT, NULL, STRING, Decimal

if TYPE_CHECKING:
    from sightline.query.expressions.compiler import Expressions


def _literal(e: Expressions, node: exp.Literal) -> Code:
    if node.is_string:
        return e.constant(node.this, STRING, literal=True)
    return number(e, node.this, node)


def number(e: Expressions, text: str, node: exp.Expression) -> Code:
    """A whole number is the narrowest of INT, BIGINT and DECIMAL; with a point a DECIMAL, with an exponent a DOUBLE."""
    if "e" in text.lower():
        return e.constant(float(text), DOUBLE, literal=True)
    if "." not in text:
        value = int(text)
        for kind, bits in ((INT, 31), (BIGINT, 63)):
            if -(1 << bits) <= value < 1 << bits:
                return e.constant(value, kind, literal=True)
    exact = Number(text)
    _, digits, exponent = exact.as_tuple()
    assert isinstance(exponent, int)
    scale = max(-exponent, 0)
    precision = max(len(str(int("".join(map(str, digits))))), scale)
    if precision > DECIMAL_PRECISION_MAX:
        raise e.error(f"a DECIMAL has {DECIMAL_PRECISION_MAX} digits at most, this has {precision}", node)
    return e.constant(exact, Decimal(precision=precision, scale=scale), literal=True)


def _negative(e: Expressions, node: exp.Neg) -> Code:
    from sightline.query.expressions.arithmetic import negate

    if isinstance(node.this, exp.Literal) and not node.this.is_string:
        return number(e, f"-{node.this.this}", node)
    if isinstance(node.this, exp.Cast) and isinstance(node.this.this, exp.Literal) and not node.this.this.is_string:
        # -5L: the sign is part of the literal, so that the lowest BIGINT can be written.
        signed = node.this.copy()
        signed.set("this", exp.Literal.number(f"-{node.this.this.this}"))
        return e.compile(signed)
    return negate(e, node)


def _boolean(e: Expressions, node: exp.Boolean) -> Code:
    return e.constant(bool(node.this), BOOLEAN, literal=True)


def _null(e: Expressions, _: exp.Null) -> Code:
    return e.constant(None, NULL, literal=True)


def _paren(e: Expressions, node: exp.Paren) -> Code:
    return e.compile(node.this)


def _raw(e: Expressions, node: exp.RawString) -> Code:
    return e.constant(node.this, STRING, literal=True)


def _hex(e: Expressions, node: exp.HexString) -> Code:
    digits = str(node.this)
    return e.constant(bytes.fromhex("0" * (len(digits) % 2) + digits), BINARY, literal=True)


def _interval(e: Expressions, node: exp.Interval) -> Code:
    raise e.error("an INTERVAL can only be added to or subtracted from a DATE or TIMESTAMP", node)


HANDLERS = {
    exp.Literal: _literal,
    exp.Boolean: _boolean,
    exp.Null: _null,
    exp.Paren: _paren,
    exp.RawString: _raw,
    exp.HexString: _hex,
    exp.Neg: _negative,
    exp.Interval: _interval,
}
