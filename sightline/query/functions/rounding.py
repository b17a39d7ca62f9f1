"""Rounding: by the decimal text of a number, half up or half to even."""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP

from sightline.query.expressions.code import Code
from sightline.query.functions.registry import Call, define, family
from sightline.query.runtime import decimals, maths_rounding, numbers
from sightline.query.types import BIGINT, FLOAT, Decimal

family("rounding")


def _round(call: Call) -> Code:
    e, code = call.e, call.codes[0]
    digits = call.constant(1) if len(call.codes) > 1 else 0
    half_even = call.function.name == "bround"
    rounding = ROUND_HALF_EVEN if half_even else ROUND_HALF_UP
    if digits is None:
        return e.constant(None, code.type)
    if isinstance(code.type, Decimal):
        return _decimal(call, code, code.type, digits, rounding)
    if code.type.integral:
        if digits >= 0:
            return code
        name, fits = e.use(numbers.round_whole), e.use(numbers.FITS[code.type.name])
        return e.null_safe(lambda a: f"{fits}({name}({a}, {digits}, {half_even}))", code.type, code)
    helper = maths_rounding.round_float32 if code.type == FLOAT else numbers.round_float
    name = e.use(helper)
    return e.null_safe(lambda a: f"{name}({a}, {digits}, {rounding!r})", code.type, code)


def _decimal(call: Call, code: Code, kind: Decimal, digits: int, rounding: str) -> Code:
    whole = kind.precision - kind.scale + 1
    if digits < 0:
        result = Decimal(precision=min(max(whole, 1 - digits), 38), scale=0)
    else:
        scale = min(kind.scale, digits)
        result = Decimal(precision=min(whole + scale, 38), scale=scale)
    name = call.e.use(decimals.decimal_round)
    size = f"{min(digits, kind.scale)}, {result.precision}, {result.scale}, {rounding!r}"
    return call.e.null_safe(lambda a: f"{name}({a}, {size})", result, code)


def _ceil(call: Call) -> Code:
    e, code = call.e, call.codes[0]
    up = call.function.name != "floor"
    if isinstance(code.type, Decimal):
        kind = Decimal(precision=min(code.type.precision - code.type.scale + 1, 38), scale=0)
        kind = kind if code.type.scale else code.type
        return e.call(decimals.decimal_ceil if up else decimals.decimal_floor, kind, code)
    if code.type.integral:
        return e.cast(code, BIGINT)
    return e.call(maths_rounding.ceil if up else maths_rounding.floor, BIGINT, code)


define(
    "round(value number[, digits int]) -> number",
    None,
    "Half up, to `digits` (0) after the point, or before it if negative.",
    ("round(2.5)", "3"),
    ("round(-1.25, 1)", "-1.3"),
    ("round(155, -1)", "160"),
    build=_round,
)
define(
    "bround(value number[, digits int]) -> number", None, "Half to the even digit.", ("bround(2.5)", "2"), build=_round
)
define(
    "ceil(value number) -> bigint",
    None,
    "The least whole number not below.",
    ("ceil(-0.1)", "0"),
    ("ceil(1.2D)", "2L"),
    build=_ceil,
    aliases=("ceiling",),
)
define(
    "floor(value number) -> bigint", None, "The greatest whole number not above.", ("floor(-0.1)", "-1"), build=_ceil
)
define(
    "rint(value double) -> double",
    maths_rounding.rint,
    "The nearest whole number, half to even, as a DOUBLE.",
    ("rint(2.5)", "2.0D"),
)
