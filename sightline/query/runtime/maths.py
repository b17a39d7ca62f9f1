"""Functions of numbers. Where Python raises, Java gives NaN or an infinity."""

import math
from collections.abc import Callable

from sightline.query.errors import overflow


def _nan_where_undefined(function: Callable[..., float], name: str) -> Callable[..., float]:
    def safe(*arguments: float) -> float:
        try:
            return function(*arguments)
        except ValueError:
            return math.nan
        except OverflowError:
            return math.inf

    safe.__name__ = name
    return safe


sqrt = _nan_where_undefined(math.sqrt, "sqrt")
sin, cos, tan = (_nan_where_undefined(f, f.__name__) for f in (math.sin, math.cos, math.tan))
asin, acos, atan = (_nan_where_undefined(f, f.__name__) for f in (math.asin, math.acos, math.atan))
cosh, tanh = (_nan_where_undefined(f, f.__name__) for f in (math.cosh, math.tanh))
exp, expm1 = (_nan_where_undefined(f, f.__name__) for f in (math.exp, math.expm1))
hypot = _nan_where_undefined(math.hypot, "hypot")


def cbrt(value: float) -> float:
    root = math.cbrt(value)
    # One step of Newton's: the C library's may be off by an ulp for cubes.
    return root - (root * root * root - value) / (3 * root * root) if root and math.isfinite(root) else root


def atan2(y: float, x: float) -> float:
    """Zeros lose their sign, as in Spark."""
    return math.atan2(y + 0.0, x + 0.0)


def sinh(value: float) -> float:
    try:
        return math.sinh(value)
    except OverflowError:
        return math.copysign(math.inf, value)


def cot(value: float) -> float:
    tangent = tan(value)
    return 1 / tangent if tangent else math.copysign(math.inf, tangent)


def degrees(value: float) -> float:
    return value * (180.0 / math.pi)


def radians(value: float) -> float:
    return value * (math.pi / 180.0)


def sign(value: float) -> float:
    return value if value == 0 or value != value else math.copysign(1.0, value)


def ln(value: float) -> float | None:
    return None if value <= 0 else math.log(value)


def log2(value: float) -> float | None:
    return None if value <= 0 else math.log(value) / math.log(2) if math.isfinite(value) else value


def log10(value: float) -> float | None:
    return None if value <= 0 else math.log10(value)


def log1p(value: float) -> float | None:
    return None if value <= -1 else math.log1p(value)


def log(base: float, value: float) -> float | None:
    if base <= 0 or value <= 0:
        return None
    below = math.log(base)
    if below == 0:
        top = math.log(value)
        return math.nan if top == 0 or top != top else math.copysign(math.inf, top)
    return math.log(value) / below


def power(base: float, exponent: float) -> float:
    if exponent != exponent or (abs(base) == 1 and math.isinf(exponent)) or (base != base and exponent != 0):
        return math.nan
    if base == 1 or exponent == 0:
        return 1.0
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        if base == 0:
            return math.copysign(math.inf, base) if exponent % 2 == 1 else math.inf
        return math.nan


def is_nan(value: float | None) -> bool:
    return value is not None and value != value


def factorial(value: int) -> int | None:
    return math.factorial(value) if 0 <= value <= 20 else None


def binary_digits(value: int) -> str:
    return f"{value & (2**64 - 1):b}"


def bit_count(value: int) -> int:
    return (int(value) & (2**64 - 1)).bit_count()


def shift_left(value: int, by: int, bits: int) -> int:
    moved = (value << (by & (bits - 1))) & ((1 << bits) - 1)
    return moved - (1 << bits) if moved >> (bits - 1) else moved


def shift_right(value: int, by: int, bits: int) -> int:
    return value >> (by & (bits - 1))


SHIFTS = {"shiftleft": shift_left, "shiftright": shift_right}

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def conv(number: str, base: int, to: int) -> str | None:
    """Unsigned 64 bits, unless `to` is negative. Digits end where one is not of the base."""
    if not (2 <= base <= 36 and 2 <= abs(to) <= 36) or not number.strip(" "):
        return None
    text = number.strip(" ")
    negative = text.startswith("-")
    value = 0
    for each in text[negative:].upper():
        digit = _DIGITS.find(each)
        if not 0 <= digit < base:
            break
        value = value * base + digit
        if value >= 2**64:
            overflow("bigint")
    if negative:
        value = -value & (2**64 - 1) if to > 0 else value
    signed = to < 0 and (negative or value >= 2**63)
    if to < 0 and not negative and value >= 2**63:
        value = 2**64 - value
    out = ""
    while value or not out:
        value, digit = divmod(value, abs(to))
        out = _DIGITS[digit] + out
    return f"-{out}" if signed and out != "0" else out


def width_bucket(value: float, low: float, high: float, buckets: int) -> int | None:
    if buckets <= 0 or buckets == 2**63 - 1 or low == high or not (math.isfinite(low) and math.isfinite(high)):
        return None
    if value != value:
        return None
    if low < high:
        inside, beyond, part = low <= value, value >= high, value - low
    else:
        inside, beyond, part = value <= low, value <= high, low - value
    if not inside:
        return 0
    if beyond:
        return buckets + 1
    share = buckets * part / abs(high - low)
    # As Java's (long): the difference of the largest numbers is infinite.
    return 1 if share != share else int(min(share, 2.0**63 - 1024)) + 1
