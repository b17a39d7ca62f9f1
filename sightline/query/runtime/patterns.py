"""Java's date patterns: the letters y M d H h m s S a E D Q, zones when formatting, and quoted text."""

import re
from datetime import date, datetime
from functools import lru_cache

from sightline.query.errors import EvalError, shown
from sightline.query.runtime.calendar import seconds_towards_zero
from sightline.query.runtime.times import SECOND_US, in_zone, moment_of, timestamp_of

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_TOKENS = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|([^A-Za-z'])", re.DOTALL)
PATTERNS_CACHED_MAX = 1000
DEFAULT = "yyyy-MM-dd HH:mm:ss"
_WRITES = {
    "yyyy", "yy", "y", "MM", "M", "MMM", "MMMM", "dd", "d", "HH", "H", "hh", "h", "mm", "m", "ss", "s", "a", "E", "EE",
    "EEE", "EEEE", "D", "DDD", "Q", "QQ", "X", "XXX", "x", "xxx", "Z", "z", "VV",
    *("S" * n for n in range(1, 10)),
}  # fmt: skip
_READS = {
    "yyyy": r"(?P<y>\d{4})", "MM": r"(?P<M>\d{2})", "M": r"(?P<M>\d{1,2})", "dd": r"(?P<d>\d{2})",
    "d": r"(?P<d>\d{1,2})",
    "HH": r"(?P<H>\d{2})", "H": r"(?P<H>\d{1,2})", "hh": r"(?P<h>\d{2})", "h": r"(?P<h>\d{1,2})",
    "mm": r"(?P<m>\d{2})", "m": r"(?P<m>\d{1,2})", "ss": r"(?P<s>\d{2})", "s": r"(?P<s>\d{1,2})",
    "a": r"(?P<a>[AaPp][Mm])", "XXX": r"(?P<X>[Zz]|[+-]\d{2}:\d{2})", "xxx": r"(?P<X>[+-]\d{2}:\d{2})",
    "X": r"(?P<X>[Zz]|[+-]\d{2}(?:\d{2})?)", "Z": r"(?P<X>[+-]\d{4})",
    "MMM": r"(?P<N>" + "|".join(each[:3] for each in MONTHS) + ")",
    "MMMM": r"(?P<N>" + "|".join(MONTHS) + ")",
    **{"S" * n: rf"(?P<S>\d{{1,{n}}})" for n in range(1, 10)},
}  # fmt: skip


def tokens(pattern: str) -> list[tuple[bool, str]]:
    """(is a letter's run, text). Raises EvalError."""
    found, at = list[tuple[bool, str]](), 0
    while at < len(pattern):
        match = _TOKENS.match(pattern, at)
        if not match:
            raise EvalError(f"[INVALID_DATETIME_PATTERN] {shown(pattern)}: a quote is not closed")
        at = match.end()
        quoted, letter, other = match.groups()
        if letter:
            found.append((True, match.group()))
        else:
            found.append((False, other or (quoted.replace("''", "'") if quoted else "'")))
    return found


@lru_cache(PATTERNS_CACHED_MAX)
def writer(pattern: str) -> tuple[tuple[bool, str], ...]:
    """The tokens of a pattern for formatting. Raises EvalError for a letter that is not supported."""
    parts = tokens(pattern)
    for is_letter, text in parts:
        if (is_letter and text not in _WRITES) or (not is_letter and any(each in "[]{}#" for each in text)):
            raise _unsupported(pattern, text, _WRITES)
    return tuple(parts)


def _unsupported(pattern: str, text: str, known: set[str]) -> EvalError:
    return EvalError(
        f"[INVALID_DATETIME_PATTERN] {shown(pattern)}: {text!r} is not supported (known: {', '.join(sorted(known))})"
    )


def format_time(time_us: int, pattern: str) -> str:
    moment = moment_of(time_us)
    return "".join(_written(moment, text) if is_letter else text for is_letter, text in writer(pattern))


def _written(moment: datetime, letters: str) -> str:
    letter, width = letters[0], len(letters)
    if letter == "M" and width >= 3:
        return MONTHS[moment.month - 1][: None if width == 4 else 3]
    if letter == "E":
        return DAYS[moment.weekday()][: None if width == 4 else 3]
    if letter == "S":
        return f"{moment.microsecond:06d}000"[:width]
    if letters == "yy":
        return f"{moment.year % 100:02d}"
    fixed = {"X": "Z", "x": "+00" if width == 1 else "+00:00", "Z": "+0000", "z": "UTC", "V": "UTC"}
    if letter in fixed:
        return fixed[letter]
    if letter == "a":
        return "AM" if moment.hour < 12 else "PM"
    number = {
        "y": moment.year, "M": moment.month, "d": moment.day, "H": moment.hour, "h": (moment.hour + 11) % 12 + 1,
        "m": moment.minute, "s": moment.second, "D": moment.timetuple().tm_yday, "Q": (moment.month + 2) // 3,
    }[letter]  # fmt: skip
    return str(number).rjust(width, "0")


@lru_cache(PATTERNS_CACHED_MAX)
def reader(pattern: str) -> re.Pattern[str]:
    """The pattern for parsing. Raises EvalError for a letter that is not supported, or one that comes twice."""
    parts, seen = list[str](), set[str]()
    runs = tokens(pattern)
    for index, (is_letter, text) in enumerate(runs):
        if is_letter:
            if text not in _READS or text[0] in seen:
                raise _unsupported(pattern, text, set(_READS))
            beside = index + 1 < len(runs) and runs[index + 1][0]
            if beside and len(text) == 1 and text != "a":
                raise EvalError(
                    f"[INVALID_DATETIME_PATTERN] {shown(pattern)}: write {text * 2!r} before another number"
                )
            seen.add(text[0])
            parts.append(_READS[text])
        else:
            if any(each in "[]{}#" for each in text):
                raise _unsupported(pattern, text, set(_READS))
            parts.append(re.escape(text))
    if "y" not in seen:
        raise EvalError(f"[INVALID_DATETIME_PATTERN] {shown(pattern)}: the year, yyyy, is missing")
    if "h" in seen and "a" not in seen:
        raise EvalError(f"[INVALID_DATETIME_PATTERN] {shown(pattern)}: h needs a (AM or PM); write HH for 0 to 23")
    return re.compile("".join(parts), re.ASCII | re.IGNORECASE)


def parse_time(text: str, pattern: str) -> int:
    match = reader(pattern).fullmatch(text)
    try:
        if match:
            return _moment(match.groupdict())
    except ValueError:
        pass
    raise EvalError(
        f"[CANNOT_PARSE_TIMESTAMP] {shown(text)} is not of the form {shown(pattern)}; try_to_timestamp gives NULL"
    )


def _moment(found: dict[str, str | None]) -> int:
    def number(name: str, otherwise: int) -> int:
        text = found.get(name)
        return otherwise if text is None else int(text)

    month = number("M", 1)
    if found.get("N"):
        names = [each.lower()[:3] for each in MONTHS]
        month = names.index(str(found["N"]).lower()[:3]) + 1
    hour = number("H", 0)
    if found.get("h"):
        hour = number("h", 0)
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if str(found["a"]).lower() == "pm" else 0)
    fraction_us = int(((found.get("S") or "") + "000000")[:6])
    moment = datetime(number("y", 1), month, number("d", 1), hour, number("m", 0), number("s", 0), fraction_us)
    zone = found.get("X")
    return in_zone(moment, zone.upper()) if zone else timestamp_of(moment)


def parse_date(text: str, pattern: str) -> date:
    return moment_of(parse_time(text, pattern)).date()


def parse_seconds(text: str, pattern: str = DEFAULT) -> int:
    return seconds_towards_zero(parse_time(text, pattern))


def try_parse_time(text: str, pattern: str) -> int | None:
    try:
        return parse_time(text, pattern)
    except EvalError:
        return None


def format_seconds(seconds: int, pattern: str = DEFAULT) -> str:
    """What does not fit 64 bits of microseconds wraps around, as in Spark."""
    return format_time((seconds * SECOND_US + 2**63) % 2**64 - 2**63, pattern)
