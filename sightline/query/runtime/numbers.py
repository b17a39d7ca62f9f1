"""Whole and floating-point arithmetic with Spark's errors and signs."""

import math
from collections.abc import Callable
from ctypes import c_float
from decimal import Decimal
from typing import Any, TypeVar

from sightline.query.errors import EvalError, division_by_zero, overflow, remainder_by_zero

LIMITS = {
    "tinyint": (-128, 127),
    "smallint": (-32768, 32767),
    "int": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}
Whole = TypeVar("Whole", int, float)


def float32(value: float) -> float:
    """`value` rounded to 32 bits."""
    return c_float(value).value


def float32_of_int(value: int) -> float:
    """Rounded once, not by way of a DOUBLE."""
    shift = max(abs(value).bit_length() - 24, 0)
    head, tail, half = abs(value) >> shift, abs(value) & ((1 << shift) - 1), (1 << shift) >> 1
    if shift and (tail > half or (tail == half and head & 1)):
        head += 1
    return math.copysign(math.ldexp(head, shift), value) if value else 0.0


def divide(left: float, right: float) -> float:
    if right == 0:
        division_by_zero()
    return float(left) / float(right)


def divide_whole(left: int, right: int) -> int:
    """`div`: towards zero, a BIGINT."""
    if right == 0:
        division_by_zero()
    quotient = abs(left) // abs(right)
    result = quotient if (left < 0) == (right < 0) else -quotient
    if result == 2**63:
        overflow("bigint")
    return result


def remainder(left: int, right: int) -> int:
    """With the sign of `left`."""
    if right == 0:
        remainder_by_zero()
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def remainder_float(left: float, right: float) -> float:
    if right == 0:
        remainder_by_zero()
    return _fmod(left, right)


def positive_remainder(left: int, right: int) -> int:
    if right == 0:
        remainder_by_zero()
    rest = remainder(left, right)
    return remainder(rest + right, right) if rest < 0 else rest


def positive_remainder_float(left: float, right: float) -> float:
    if right == 0:
        remainder_by_zero()
    rest = _fmod(left, right)
    return _fmod(rest + right, right) if rest < 0 else rest


def _fmod(left: float, right: float) -> float:
    if math.isnan(left) or math.isnan(right) or math.isinf(left):
        return math.nan
    return math.fmod(left, right)


def fits_tinyint(value: int) -> int:
    return value if -128 <= value <= 127 else overflow("tinyint")


def fits_smallint(value: int) -> int:
    return value if -32768 <= value <= 32767 else overflow("smallint")


def fits_int(value: int) -> int:
    return value if -2147483648 <= value <= 2147483647 else overflow("int")


def fits_bigint(value: int) -> int:
    return value if -9223372036854775808 <= value <= 9223372036854775807 else overflow("bigint")


FITS: dict[str, Callable[[int], int]] = {
    "tinyint": fits_tinyint, "smallint": fits_smallint, "int": fits_int, "bigint": fits_bigint,
}  # fmt: skip


def attempt(compute: Callable[..., Any], *arguments: Any) -> Any:
    """`compute`'s value, or NULL where it has none."""
    try:
        return compute(*arguments)
    except EvalError:
        return None


def less(left: float, right: float) -> bool:
    """Spark's order: NaN is above everything and equal to itself."""
    return left < right or (right != right and left == left)


def greatest(*values: Any) -> Any:
    """NULLs are passed over."""
    best = None
    for each in values:
        if each is not None and (best is None or less(best, each)):
            best = each
    return best


def least(*values: Any) -> Any:
    best = None
    for each in values:
        if each is not None and (best is None or less(each, best)):
            best = each
    return best


def round_whole(value: int, digits: int, half_even: bool = False) -> int:
    """Rounded left of the point, `digits` < 0."""
    if digits >= 0:
        return value
    if -digits > 20:
        return 0
    unit: int = 10**-digits
    head, tail = divmod(abs(value), unit)
    if tail * 2 > unit or (tail * 2 == unit and not (half_even and head % 2 == 0)):
        head += 1
    return -head * unit if value < 0 else head * unit


def round_float(value: float, digits: int, rounding: str) -> float:
    """By the shortest decimal text of `value`, as Spark does."""
    if not math.isfinite(value):
        return value
    exact = Decimal(repr(value))
    exponent = exact.as_tuple().exponent
    assert isinstance(exponent, int)
    if -exponent <= digits:
        return value + 0.0
    if exact.adjusted() + 1 < -digits:
        return 0.0
    rounded = float(exact.quantize(Decimal(1).scaleb(-digits), rounding))
    return rounded if rounded else 0.0
