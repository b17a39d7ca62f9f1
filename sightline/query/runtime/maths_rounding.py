"""Rounding of floating-point numbers."""

import math
from decimal import Decimal

from sightline.query.runtime.numbers import float32
from sightline.query.runtime.text import float_text

_LOW, _HIGH = -(2**63), 2**63 - 1


def _saturated(value: float, function: object) -> int:
    """As Java's (long): NaN is 0, what does not fit is the nearest BIGINT."""
    if value != value:
        return 0
    if math.isinf(value):
        return _HIGH if value > 0 else _LOW
    return min(max(math.ceil(value) if function is math.ceil else math.floor(value), _LOW), _HIGH)


def ceil(value: float) -> int:
    return _saturated(value, math.ceil)


def floor(value: float) -> int:
    return _saturated(value, math.floor)


def rint(value: float) -> float:
    if not math.isfinite(value) or abs(value) >= 2**52:
        return value
    return math.copysign(float(round(value)), value)


def round_float32(value: float, digits: int, rounding: str) -> float:
    if not math.isfinite(value):
        return value
    exact = Decimal(float_text(value))
    exponent = exact.as_tuple().exponent
    assert isinstance(exponent, int)
    if -exponent <= digits:
        return value + 0.0
    if exact.adjusted() + 1 < -digits:
        return 0.0
    return float32(float(exact.quantize(Decimal(1).scaleb(-digits), rounding))) or 0.0
