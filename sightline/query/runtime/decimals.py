"""DECIMAL arithmetic: exact, then rounded half up to the result's scale, as Spark's Decimal."""

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    localcontext,
)
from math import ceil, floor, isfinite

from sightline.query.errors import cast_overflow, division_by_zero, out_of_range, remainder_by_zero

WIDE = Context(prec=400, rounding=ROUND_HALF_UP, Emin=-999999, Emax=999999)
SPARK = Context(prec=38, rounding=ROUND_HALF_UP, Emin=-999999, Emax=999999)
_QUANTA = [Decimal(1).scaleb(-scale) for scale in range(80)]
_LIMITS = [Decimal(10) ** digits for digits in range(77)]


def fit(value: Decimal, precision: int, scale: int) -> Decimal:
    """`value` with `scale` digits after the point. Raises EvalError above `precision` digits."""
    rounded = value.quantize(_QUANTA[scale], ROUND_HALF_UP, WIDE)
    if rounded.copy_abs() >= _LIMITS[precision - scale]:
        raise out_of_range(f"{value:f}", f"decimal({precision},{scale})")
    # A decimal has no negative zero.
    return rounded if rounded else _ZEROS[scale]


_ZEROS = [Decimal(0).scaleb(-scale) for scale in range(80)]


def decimal_add(left: Decimal, right: Decimal, precision: int, scale: int) -> Decimal:
    return fit(WIDE.add(left, right), precision, scale)


def decimal_subtract(left: Decimal, right: Decimal, precision: int, scale: int) -> Decimal:
    return fit(WIDE.subtract(left, right), precision, scale)


def decimal_multiply(left: Decimal, right: Decimal, precision: int, scale: int) -> Decimal:
    return fit(SPARK.multiply(left, right), precision, scale)


def decimal_divide(left: Decimal, right: Decimal, precision: int, scale: int) -> Decimal:
    if not right:
        division_by_zero()
    # Spark rounds to 39 digits after the point first.
    return fit(WIDE.divide(left, right).quantize(_QUANTA[39], ROUND_HALF_UP, WIDE), precision, scale)


def decimal_remainder(left: Decimal, right: Decimal, precision: int, scale: int) -> Decimal:
    if not right:
        remainder_by_zero()
    return fit(WIDE.remainder(left, right), precision, scale)


def decimal_positive_remainder(left: Decimal, right: Decimal, precision: int, scale: int) -> Decimal:
    if not right:
        remainder_by_zero()
    rest = WIDE.remainder(left, right)
    return fit(WIDE.remainder(WIDE.add(rest, right), right) if rest < 0 else rest, precision, scale)


def decimal_divide_whole(left: Decimal, right: Decimal) -> int:
    if not right:
        division_by_zero()
    # What does not fit 64 bits wraps around, as in Spark.
    return (int(WIDE.divide_int(left, right)) + 2**63) % 2**64 - 2**63


_NEGATES = Context(prec=34, rounding=ROUND_HALF_EVEN, Emin=-999999, Emax=999999)


def decimal_negative(value: Decimal, precision: int, scale: int) -> Decimal:
    """Rounded to 34 digits, as Scala negates."""
    return fit(_NEGATES.minus(value), precision, scale)


def decimal_abs(value: Decimal, precision: int, scale: int) -> Decimal:
    return decimal_negative(value, precision, scale) if value < 0 else value


def decimal_to_whole(value: Decimal, low: int, high: int, target: str) -> int:
    result = int(value)
    if not low <= result <= high:
        raise cast_overflow(value, "decimal", target)
    return result


def long_decimal_to_whole(value: Decimal, low: int, high: int, target: str) -> int:
    """Of more than 18 digits: by way of a DOUBLE, as Spark has it for all but BIGINT."""
    nearest = float(value)
    if not (low <= ceil(nearest) and floor(nearest) <= high):
        raise cast_overflow(value, "decimal", target)
    return int(nearest)


def decimal_of_float(value: float, precision: int, scale: int) -> Decimal | None:
    """By the shortest decimal text of `value`; NULL of NaN and the infinities, as Spark does."""
    return fit(Decimal(repr(value)), precision, scale) if isfinite(value) else None


def decimal_of_whole(value: int, precision: int, scale: int) -> Decimal:
    return fit(Decimal(value), precision, scale)


def decimal_round(value: Decimal, digits: int, precision: int, scale: int, rounding: str) -> Decimal:
    """To `digits` after the point (before it, if negative)."""
    with localcontext(WIDE):
        return fit(value.quantize(Decimal(1).scaleb(-digits), rounding), precision, scale)


def decimal_ceil(value: Decimal) -> Decimal:
    return value.quantize(_QUANTA[0], ROUND_CEILING, WIDE) + 0


def decimal_floor(value: Decimal) -> Decimal:
    return value.quantize(_QUANTA[0], ROUND_FLOOR, WIDE) + 0


def decimal_text(value: Decimal, scale: int) -> str:
    return f"{value.quantize(_QUANTA[scale], ROUND_DOWN, WIDE):f}"
