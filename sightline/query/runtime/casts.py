"""Casts between numbers and strings, as ANSI Spark has them: what is malformed or does not fit is an error."""

import re
from decimal import Decimal
from math import isfinite, isnan

from sightline.query.errors import EvalError, bad_cast, cast_overflow, shown
from sightline.query.runtime.decimals import fit
from sightline.query.runtime.numbers import float32

_BLANK = "".join(map(chr, range(33))) + "\x7f"
_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)
_FLOAT = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[fFdD]?", re.ASCII)
_HEX_FLOAT = re.compile(r"([+-]?0[xX][0-9a-fA-F]*\.?[0-9a-fA-F]*[pP][+-]?[0-9]+)[fFdD]?", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_SPECIAL = {
    "inf": float("inf"), "+inf": float("inf"), "infinity": float("inf"), "+infinity": float("inf"),
    "-inf": float("-inf"), "-infinity": float("-inf"), "nan": float("nan"),
}  # fmt: skip
_TRUE, _FALSE = {"t", "true", "y", "yes", "1"}, {"f", "false", "n", "no", "0"}
DIGITS_MAX = 1000
"""Longer texts are not numbers: Python's own limit for one is 4300."""


def whole_of_text(text: str, low: int, high: int, target: str) -> int:
    if not (text.isascii() and text.isdigit()):
        text = text.strip(_BLANK)
        if not _WHOLE.fullmatch(text):
            raise bad_cast(text, "string", target)
    if len(text) > DIGITS_MAX:
        raise bad_cast(text, "string", target)
    value = int(text)
    if not low <= value <= high:
        raise bad_cast(text, "string", target)
    return value


def bigint_of_text(text: str) -> int:
    if len(text) < 19 and text.isascii() and text.isdigit():
        return int(text)
    return whole_of_text(text, -(2**63), 2**63 - 1, "bigint")


def double_of_text(text: str) -> float:
    stripped = text.strip(_BLANK)
    match = _FLOAT.fullmatch(stripped)
    if match:
        return float(match.group(1))
    special = _SPECIAL.get(stripped.lower())
    if special is not None:
        return special
    if match := _HEX_FLOAT.fullmatch(stripped):
        try:
            return float.fromhex(match.group(1))
        except (ValueError, OverflowError):
            pass
    raise bad_cast(text, "string", "double")


def float_of_text(text: str) -> float:
    try:
        return float32(double_of_text(text))
    except ValueError:
        raise bad_cast(text, "string", "float") from None


def decimal_of_text(text: str, precision: int, scale: int) -> Decimal:
    stripped = text.strip(_BLANK)
    if not _DECIMAL.fullmatch(stripped) or len(stripped) > DIGITS_MAX:
        raise bad_cast(text, "string", f"decimal({precision},{scale})")
    value = Decimal(stripped)
    if value and value.adjusted() >= 76:
        raise cast_overflow(text, "string", f"decimal({precision},{scale})")
    if value and value.adjusted() < -200:
        value = Decimal(0)
    return fit(value, precision, scale)


def boolean_of_text(text: str) -> bool:
    word = text.strip(_BLANK).lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise bad_cast(text, "string", "boolean")


def whole_of_float(value: float, low: int, high: int, target: str) -> int:
    """Towards zero. The limit of a BIGINT is compared as a DOUBLE, in which it is 2^63."""
    if value == 2.0**63 and high == 2**63 - 1:
        return high
    if not isfinite(value) or not low <= int(value) <= high:
        raise cast_overflow(value, "double", target)
    return int(value)


def whole_of_float32(value: float, low: int, high: int, target: str) -> int:
    """The limit of an INT is compared as a FLOAT, in which it is 2^31."""
    return high if high == 2**31 - 1 and value == 2.0**31 else whole_of_float(value, low, high, target)


def whole_of_whole(value: int, low: int, high: int, target: str) -> int:
    if not low <= value <= high:
        raise cast_overflow(value, "bigint", target)
    return value


def boolean_text(value: bool) -> str:
    return "true" if value else "false"


def binary_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise EvalError(f"[INVALID_UTF8_STRING] {shown(value)} is not UTF-8") from None


def text_binary(value: str) -> bytes:
    return value.encode()


def is_nan(value: float) -> bool:
    return isnan(value)
