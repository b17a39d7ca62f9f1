"""DATE and TIMESTAMP moved by constant intervals, and by whole days."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from sqlglot import exp

from sightline.query.expressions.code import Code
from sightline.query.runtime import times
from sightline.query.types import DATE, INT, SMALLINT, STRING, TIMESTAMP, TINYINT

if TYPE_CHECKING:
    from sightline.query.expressions.compiler import Expressions

_MONTHS = {"YEAR": 12, "MONTH": 1}
_MICROSECONDS = {
    "WEEK": 7 * times.DAY_US, "DAY": times.DAY_US, "HOUR": 3_600_000_000, "MINUTE": 60_000_000, "SECOND": 1_000_000,
    "MILLISECOND": 1000, "MICROSECOND": 1,
}  # fmt: skip
_PART = re.compile(r"([+-]?\d+(?:\.\d+)?)\s+([A-Za-z]+)", re.ASCII)


class Span(NamedTuple):
    months: int
    time_us: int


def moved(e: Expressions, node: exp.Expression, symbol: str) -> Code | None:
    """A date or timestamp plus or minus an interval; None if there is no interval."""
    value, interval = node.this, node.expression
    span = span_of(e, interval)
    if span is None and symbol == "+":
        value, interval = node.expression, node.this
        span = span_of(e, interval)
    if span is None:
        return None
    code = e.compile(value)
    sign = -1 if symbol == "-" else 1
    months, time_us = sign * span.months, sign * span.time_us
    if code.type == STRING:
        raise e.error("an INTERVAL moves a DATE or TIMESTAMP, this is STRING: write a CAST", node)
    if code.type not in (DATE, TIMESTAMP):
        raise e.error(f"an INTERVAL moves a DATE or TIMESTAMP, this is {str(code.type).upper()}", node)
    if code.type == DATE and months and not time_us:
        name = e.use(times.add_months)
        return e.null_safe(lambda a: f"{name}({a}, {months})", DATE, code)
    if code.type == DATE and time_us % times.DAY_US == 0 and _is_days(interval):
        name = e.use(times.add_days)
        return e.null_safe(lambda a: f"{name}({a}, {time_us // times.DAY_US})", DATE, code)
    name = e.use(times.add_interval)
    return e.null_safe(lambda a: f"{name}({a}, {months}, {time_us})", TIMESTAMP, e.cast(code, TIMESTAMP))


def _is_days(node: exp.Expression) -> bool:
    units = {_unit(each.args["unit"].name) for each in node.find_all(exp.Interval) if each.args.get("unit")}
    return units == {"DAY"} or units == {"WEEK"}


def span_of(e: Expressions, node: exp.Expression) -> Span | None:
    """What a constant interval says, or None for anything else. Mixed months and days are refused as Spark does."""
    if isinstance(node, exp.Paren):
        return span_of(e, node.this)
    if isinstance(node, exp.Add):
        left, right = span_of(e, node.this), span_of(e, node.expression)
        if left is None or right is None:
            return None
        return _unmixed(e, Span(left.months + right.months, left.time_us + right.time_us), node)
    if not isinstance(node, exp.Interval):
        return None
    this, unit = node.this, node.args.get("unit")
    if isinstance(this, exp.Neg):
        this, sign = this.this, -1
    else:
        sign = 1
    if not isinstance(this, exp.Literal) or isinstance(unit, exp.IntervalSpan):
        raise e.error("write a constant interval such as INTERVAL '10' MINUTE or INTERVAL '1 day 2 hours'", node)
    text = this.this if unit is None else f"{this.this} {unit.name}"
    if not re.fullmatch(rf"\s*(?:interval\s+)?(?:{_PART.pattern}\s*)+", text, re.ASCII | re.IGNORECASE):
        raise e.error(f"{text!r} is not an interval such as '10 minutes'", node)
    months = time_us = 0
    for amount, name in _PART.findall(text):
        found = _span(e, amount, name, node)
        months, time_us = months + sign * found.months, time_us + sign * found.time_us
    return _unmixed(e, Span(months, time_us), node)


def _unmixed(e: Expressions, span: Span, node: exp.Expression) -> Span:
    if span.months and span.time_us:
        raise e.error("an interval has years and months, or days and smaller units: add them one after the other", node)
    return span


def _unit(name: str) -> str:
    name = name.upper()
    return name[:-1] if name.endswith("S") else name


def _span(e: Expressions, amount: str, name: str, node: exp.Expression) -> Span:
    unit = _unit(name)
    if "." in amount and unit != "SECOND":
        raise e.error("only seconds have a fraction in an interval", node)
    if unit in _MONTHS:
        return Span(int(amount) * _MONTHS[unit], 0)
    if unit in _MICROSECONDS:
        whole, _, fraction = amount.partition(".")
        part = int(fraction[:6].ljust(6, "0")) if fraction else 0
        value = int(whole) * _MICROSECONDS[unit] + (-part if whole.startswith("-") else part)
        return Span(0, value)
    raise e.error(f"unknown unit {name!r} (known: {', '.join([*_MONTHS, *_MICROSECONDS])})", node)


def of_dates(e: Expressions, symbol: str, left: Code, right: Code, node: exp.Expression) -> Code:
    """DATE plus or minus days. The difference of two would be an INTERVAL, which has no values here."""
    if symbol in "+-" and left.type == DATE and right.type in (TINYINT, SMALLINT, INT):
        return e.call(times.add_days if symbol == "+" else times.subtract_days, DATE, left, right)
    if symbol == "+" and right.type == DATE and left.type in (TINYINT, SMALLINT, INT):
        return e.call(times.add_days, DATE, right, left)
    kinds = f"{str(left.type).upper()} {symbol} {str(right.type).upper()}"
    hint = "timestampdiff(SECOND, start, end) or datediff(end, start)" if symbol == "-" else "INTERVAL '10' MINUTE"
    raise e.error(f"{kinds} is not supported: write {hint}", node)
