"""Dates and timestamps: their casts, and the arithmetic of days, months and microseconds. The zone is UTC."""

import re
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sightline.query.errors import EvalError, bad_cast, cast_overflow, shown
from sightline.query.runtime.casts import _BLANK

DAY_US, SECOND_US = 86_400_000_000, 1_000_000
CYCLE_DAYS = 146_097
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_DATE = re.compile(r"([+-]?\d{4,7})(?:-(\d{1,2})(?:-(\d{1,2})(?:[ T].*)?)?)?", re.ASCII | re.DOTALL)
_TIMESTAMP = re.compile(
    r"([+-]?\d{4,6})(?:-(\d{1,2})(?:-(\d{1,2})"
    r"(?:[ T](\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.(\d*))?)?)?\s?(\S.*)?)?)?)?",
    re.ASCII,
)
_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?", re.ASCII)


def days_of(value: date) -> int:
    return value.toordinal() - EPOCH_ORDINAL


def date_of_days(days: int) -> date:
    try:
        return date.fromordinal(days + EPOCH_ORDINAL)
    except (ValueError, OverflowError):
        raise EvalError(f"[DATETIME_OVERFLOW] day {days} since 1970 is not in the years 1 to 9999") from None


def date_of_timestamp(time_us: int) -> date:
    return date_of_days(time_us // DAY_US)


def timestamp_of_date(value: date) -> int:
    return days_of(value) * DAY_US


def moment_of(time_us: int) -> datetime:
    """The date and the time of day, without a zone."""
    days, rest_us = divmod(time_us, DAY_US)
    return datetime.combine(date_of_days(days), clock()) + timedelta(microseconds=rest_us)


def timestamp_of(moment: datetime) -> int:
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    return days_of(moment.date()) * DAY_US + seconds * SECOND_US + moment.microsecond


def date_text(value: date) -> str:
    return value.isoformat()


def timestamp_text(time_us: int) -> str:
    """The fraction of the second without trailing zeros."""
    days, rest_us = divmod(time_us, DAY_US)
    if not 1 <= days + EPOCH_ORDINAL <= date.max.toordinal():
        return _text_of_far(days, rest_us)
    moment = moment_of(time_us)
    text = moment.isoformat(" ", "microseconds" if moment.microsecond else "seconds")
    return text.rstrip("0") if moment.microsecond else text


def _text_of_far(days: int, rest_us: int) -> str:
    """Outside the years 1 to 9999: the same day 400-year cycles away, with its own year."""
    cycles = (days + EPOCH_ORDINAL - 1) // CYCLE_DAYS
    near = timestamp_text((days - cycles * CYCLE_DAYS) * DAY_US + rest_us)
    year = int(near[:4]) + 400 * cycles
    sign = "-" if year < 0 else "+" if year > 9999 else ""
    return f"{sign}{abs(year):04d}{near[4:]}"


def date_of_text(text: str) -> date:
    match = _DATE.fullmatch(text.strip(_BLANK))
    if match:
        year, month, day = match.groups()
        try:
            return date(int(year), int(month or 1), int(day or 1))
        except ValueError:
            if not 1 <= int(year) <= 9999:
                raise EvalError(f"[DATETIME_OVERFLOW] {shown(text)} is not of the years 1 to 9999") from None
    raise bad_cast(text, "string", "date")


def timestamp_of_text(text: str) -> int:
    match = _TIMESTAMP.fullmatch(text.strip(_BLANK))
    if match:
        year, month, day, hour, minute, second, fraction, zone = match.groups()
        try:
            moment = datetime(
                int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0),
                int((fraction or "")[:6].ljust(6, "0")),
            )  # fmt: skip
            return in_zone(moment, zone) if zone else timestamp_of(moment)
        except (ValueError, EvalError):
            pass
    raise bad_cast(text, "string", "timestamp")


def offset_of_zone(zone: str) -> timedelta | ZoneInfo:
    """What `zone` says: Z, +05:30, UTC+1 or a name of the IANA data base. Raises EvalError."""
    if zone in ("Z", "UTC", "GMT", "UT"):
        return timedelta()
    if match := _OFFSET.fullmatch(zone):
        sign, hours, minutes, seconds = match.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes or 0), seconds=int(seconds or 0))
        if offset <= timedelta(hours=18) and int(minutes or 0) < 60 and int(seconds or 0) < 60:
            return -offset if sign == "-" else offset
    return _region(zone)


@lru_cache(1000)
def _region(zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise EvalError(f"[INVALID_TIMEZONE] unknown time zone {zone!r}") from None


def in_zone(moment: datetime, zone: str) -> int:
    """The timestamp at which a clock in `zone` shows `moment`; the earlier offset in an overlap, later in a gap."""
    where = offset_of_zone(zone)
    if isinstance(where, timedelta):
        return timestamp_of(moment) - where // timedelta(microseconds=1)
    offset = moment.replace(tzinfo=where).utcoffset() or timedelta()
    return timestamp_of(moment) - offset // timedelta(microseconds=1)


def to_utc(time_us: int, zone: str) -> int:
    return in_zone(moment_of(time_us), zone)


def from_utc(time_us: int, zone: str) -> int:
    where = offset_of_zone(zone)
    if isinstance(where, timedelta):
        return time_us + where // timedelta(microseconds=1)
    try:
        offset = moment_of(time_us).replace(tzinfo=UTC).astimezone(where).utcoffset() or timedelta()
    except OverflowError:
        raise EvalError("[DATETIME_OVERFLOW] outside the years 1 to 9999") from None
    return time_us + offset // timedelta(microseconds=1)


def timestamp_of_number(seconds: float) -> int:
    """A DOUBLE or DECIMAL of seconds since the epoch."""
    try:
        return timestamp_fits(int(seconds * SECOND_US))
    except (ValueError, OverflowError):
        raise cast_overflow(seconds, "double", "timestamp") from None


def timestamp_of_seconds(seconds: int) -> int:
    return timestamp_fits(seconds * SECOND_US)


def timestamp_fits(time_us: int) -> int:
    if not -(2**63) <= time_us < 2**63:
        raise EvalError("[DATETIME_OVERFLOW] the timestamp does not fit 64 bits of microseconds")
    return time_us


def add_months(value: date, months: int) -> date:
    """The same day of the month, or its last."""
    years, month = divmod(value.year * 12 + value.month - 1 + months, 12)
    if not 1 <= years <= 9999:
        raise EvalError("[DATETIME_OVERFLOW] outside the years 1 to 9999")
    return date(years, month + 1, min(value.day, month_days(years, month + 1)))


def month_days(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def add_days(value: date, days: int) -> date:
    return date_of_days(days_of(value) + days)


def subtract_days(value: date, days: int) -> date:
    return date_of_days(days_of(value) - days)


def add_interval(time_us: int, months: int, days_us: int) -> int:
    """Months first, then the rest."""
    if months:
        days, rest_us = divmod(time_us, DAY_US)
        time_us = days_of(add_months(date_of_days(days), months)) * DAY_US + rest_us
    return timestamp_fits(time_us + days_us)
