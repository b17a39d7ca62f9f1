"""Numbers as Java writes them, LIKE and regular expressions."""

import re
from ctypes import c_float
from functools import lru_cache
from math import isinf, isnan

from sightline.query.errors import EvalError, shown

PATTERNS_CACHED_MAX = 1000


def double_text(value: float) -> str:
    """As Double.toString: 1.0E10, 1.0E-4, NaN, Infinity."""
    return _java(value, repr(value))


def float_text(value: float) -> str:
    """As Float.toString: the fewest digits that give the same 32 bits."""
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if c_float(float(text)).value == value:
            break
    return _java(value, text)


def _java(value: float, text: str) -> str:
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    sign = "-" if text.startswith("-") else ""
    mantissa, _, exponent_text = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits.strip("0"):
        return f"{sign}0.0"
    exponent = len(whole) - 1 + int(exponent_text or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) == 1:
        # Java writes two digits at least, and then the two that are nearest.
        head, _, tail = f"{abs(value):.1e}".partition("e")
        nearest = head.replace(".", "").rstrip("0")
        if float(f"{head}e{tail}") == abs(value):
            digits, exponent = nearest, int(tail)
    if 1e-3 <= abs(value) < 1e7:
        if exponent < 0:
            return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
        digits = digits.ljust(exponent + 2, "0")
        return f"{sign}{digits[: exponent + 1]}.{digits[exponent + 1 :]}"
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent}"


@lru_cache(PATTERNS_CACHED_MAX)
def like_pattern(pattern: str, escape: str, ignore_case: bool) -> re.Pattern[str]:
    """Raises EvalError where the escape is before anything but `_`, `%` or itself."""
    parts, at = list[str](), 0
    while at < len(pattern):
        each = pattern[at]
        if each == escape:
            at += 1
            if at >= len(pattern) or pattern[at] not in ("_", "%", escape):
                raise EvalError(f"[INVALID_FORMAT.ESC] {shown(pattern)}: {escape!r} stands before _, % or itself")
            parts.append(re.escape(pattern[at]))
        else:
            parts.append({"%": ".*", "_": "."}.get(each) or re.escape(each))
        at += 1
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def like(text: str, pattern: str, escape: str) -> bool:
    return like_pattern(pattern, escape, False).fullmatch(text) is not None


def ilike(text: str, pattern: str, escape: str) -> bool:
    return like_pattern(pattern.lower(), escape.lower(), False).fullmatch(text.lower()) is not None


_DIFFERS = [
    (re.compile(r"\\[pP]"), r"\p{…} (write the characters as [A-Za-z…])"),
    (re.compile(r"\\[QEGRXhHkKNzZyu]"), "\\Q \\E \\G \\R \\X \\h \\H \\k \\N \\z \\Z \\u"),
    (re.compile(r"\\[0-9]{2}|\\0|\\c"), "octal and control escapes"),
    (re.compile(r"\[[^\]]*(&&|\[)"), "&& or [ inside […] (write \\[)"),
    (
        re.compile(r"\(\?[a-zA-Z]*[-udU]|\(\?P|\(\?\("),
        "flags but (?i), (?s), (?m), (?x) at the beginning; (?P…); (?(…)…)",
    ),
    (re.compile(r"\(\?<[^=!]"), "named groups"),
    (re.compile(r"(?<!^)\(\?[imsx]+[:)]"), "flags but at the beginning"),
    (re.compile(r"\\b\{"), r"\b{…}"),
]


def compile_regex(pattern: str) -> re.Pattern[str]:
    """Java's regular expression. Raises EvalError for one that Python's `re` would read otherwise, or not at all."""
    bare = pattern.replace("\\\\", "  ")
    for found, what in _DIFFERS:
        if found.search(bare):
            raise EvalError(f"[INVALID_PARAMETER_VALUE.PATTERN] {shown(pattern)}: not supported are {what}")
    try:
        return re.compile(_dots(pattern), re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise EvalError(f"[INVALID_PARAMETER_VALUE.PATTERN] {shown(pattern)}: {error}") from None


def _dots(pattern: str) -> str:
    """Java's dot and $ know more line ends than Python's: \\r, U+0085, U+2028 and U+2029."""
    flags = re.match(r"\(\?([imsx]+)\)", pattern)
    letters = flags.group(1) if flags else ""
    out, at, inside = list[str](), 0, False
    while at < len(pattern):
        each = pattern[at]
        if each == "\\":
            out.append(pattern[at : at + 2])
            at += 2
            continue
        if inside:
            inside = each != "]" or pattern[at - 1] == "["
        elif each == "[":
            inside = True
        elif each == "." and "s" not in letters:
            each = "[^\\n\\r\\x85\\u2028\\u2029]"
        elif each == "$" and "m" not in letters:
            each = "(?=(?:\\r\\n|(?<!\\r)\\n|[\\r\\x85\\u2028\\u2029])?\\Z)"
        out.append(each)
        at += 1
    return "".join(out)


regex = lru_cache(PATTERNS_CACHED_MAX)(compile_regex)


def rlike(text: str, pattern: str) -> bool:
    return regex(pattern).search(text) is not None
