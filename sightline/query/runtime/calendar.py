"""Parts of dates and timestamps, and what lies between two. Timestamps in microseconds, UTC."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

from sightline.query.errors import EvalError, shown
from sightline.query.runtime.times import (
    DAY_US,
    SECOND_US,
    add_interval,
    add_months,
    date_of_days,
    days_of,
    in_zone,
    moment_of,
    month_days,
    timestamp_fits,
    timestamp_of,
)


def year(day: date) -> int:
    return day.year


def month(day: date) -> int:
    return day.month


def day_of_month(day: date) -> int:
    return day.day


def quarter(day: date) -> int:
    return (day.month + 2) // 3


def day_of_week(day: date) -> int:
    """1 is Sunday."""
    return day.isoweekday() % 7 + 1


def day_of_week_iso(day: date) -> int:
    return day.isoweekday()


def weekday(day: date) -> int:
    """0 is Monday."""
    return day.weekday()


def day_of_year(day: date) -> int:
    return day.timetuple().tm_yday


def week_of_year(day: date) -> int:
    return day.isocalendar().week


def year_of_week(day: date) -> int:
    return day.isocalendar().year


def day_name(day: date) -> str:
    return ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[day.weekday()]


def month_name(day: date) -> str:
    return ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[day.month - 1]


def hour(time_us: int) -> int:
    return time_us // 3_600_000_000 % 24


def minute(time_us: int) -> int:
    return time_us // 60_000_000 % 60


def second(time_us: int) -> int:
    return time_us // SECOND_US % 60


def second_with_fraction(time_us: int) -> Decimal:
    return Decimal(time_us % 60_000_000).scaleb(-6)


def days_between(end: date, start: date) -> int:
    return end.toordinal() - start.toordinal()


def last_day(day: date) -> date:
    return day.replace(day=month_days(day.year, day.month))


_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


def next_day(day: date, name: str) -> date:
    word = name.strip().upper()
    for index, each in enumerate(_DAYS):
        if word in (each, each[:3], each[:2]):
            return date_of_days(days_of(day) + (index - day.weekday() - 1) % 7 + 1)
    raise EvalError(f"[ILLEGAL_DAY_OF_WEEK] {shown(name)} is not a day of the week")


def trunc(day: date, unit: str) -> date | None:
    word = unit.upper()
    if word in ("YEAR", "YYYY", "YY"):
        return day.replace(month=1, day=1)
    if word == "QUARTER":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    if word in ("MONTH", "MON", "MM"):
        return day.replace(day=1)
    if word == "WEEK":
        return date_of_days(days_of(day) - day.weekday())
    return None


_TRUNCATES = {
    "DAY": DAY_US, "DD": DAY_US, "HOUR": 3_600_000_000, "MINUTE": 60_000_000, "SECOND": SECOND_US, "MILLISECOND": 1000,
    "MICROSECOND": 1,
}  # fmt: skip


def is_unit(word: str, of_date: bool) -> bool:
    """Whether `trunc` or `date_trunc` knows it."""
    return trunc(date(2000, 1, 1), word) is not None or (not of_date and word.upper() in _TRUNCATES)


def date_trunc(unit: str, time_us: int) -> int | None:
    word = unit.upper()
    if word in _TRUNCATES:
        return time_us - time_us % _TRUNCATES[word]
    day = trunc(date_of_days(time_us // DAY_US), word)
    return None if day is None else days_of(day) * DAY_US


def months_between(first_us: int, second_us: int, round_off: bool = True) -> float:
    """Whole months where both are the same day of the month, or the last; else with days as 31sts."""
    a, b = moment_of(first_us), moment_of(second_us)
    months = float((a.year - b.year) * 12 + a.month - b.month)
    last = a.day == month_days(a.year, a.month) and b.day == month_days(b.year, b.month)
    if a.day == b.day or last:
        return months
    seconds = (a.day - b.day) * 86400 + first_us // SECOND_US % 86400 - second_us // SECOND_US % 86400
    value = months + seconds / (31 * 86400.0)
    if not round_off:
        return value
    scaled = Decimal(value * 1e8) + Decimal("0.5")
    return float(int(scaled // 1) - (1 if scaled < 0 and scaled != int(scaled) else 0)) / 1e8


UNITS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND")
_MONTHS = {"YEAR": 12, "QUARTER": 3, "MONTH": 1}
_FIXED = {**_TRUNCATES, "WEEK": 7 * DAY_US}


def timestamp_add(unit: str, amount: int, time_us: int) -> int:
    if unit in _MONTHS:
        return add_interval(time_us, amount * _MONTHS[unit], 0)
    return timestamp_fits(time_us + amount * _FIXED[unit])


def timestamp_diff(unit: str, start_us: int, end_us: int) -> int:
    """Whole units, towards zero."""
    if unit in _MONTHS:
        months = _whole_months(start_us, end_us)
        return abs(months) // _MONTHS[unit] * (1 if months >= 0 else -1)
    difference = end_us - start_us
    return abs(difference) // _FIXED[unit] * (1 if difference >= 0 else -1)


def _whole_months(start_us: int, end_us: int) -> int:
    start_days, start_rest = divmod(start_us, DAY_US)
    end_days, end_rest = divmod(end_us, DAY_US)
    if end_days > start_days and end_rest < start_rest:
        end_days -= 1
    elif end_days < start_days and end_rest > start_rest:
        end_days += 1
    start, end = date_of_days(start_days), date_of_days(end_days)
    packed = (end.year * 12 + end.month - start.year * 12 - start.month) * 32 + end.day - start.day
    return abs(packed) // 32 * (1 if packed >= 0 else -1)


def make_date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        raise EvalError(f"[DATETIME_FIELD_OUT_OF_BOUNDS] {year}-{month}-{day} is not a date") from None


def make_timestamp(year: int, month: int, day: int, hour: int, minute: int, second: Decimal, zone: str = "UTC") -> int:
    """60 seconds without a fraction are the next minute."""
    whole_us = int(second.scaleb(6))
    extra = timedelta()
    if whole_us == 60 * SECOND_US:
        whole_us, extra = 0, timedelta(minutes=1)
    try:
        moment = datetime(year, month, day, hour, minute, whole_us // SECOND_US, whole_us % SECOND_US) + extra
    except (ValueError, OverflowError):
        raise EvalError(f"[DATETIME_FIELD_OUT_OF_BOUNDS] {year}-{month}-{day} {hour}:{minute}:{second}") from None
    return timestamp_of(moment) if zone == "UTC" else in_zone(moment, zone)


def seconds_of(time_us: int) -> int:
    return time_us // SECOND_US


def seconds_towards_zero(time_us: int) -> int:
    return time_us // SECOND_US if time_us >= 0 else -(-time_us // SECOND_US)


def millis_of(time_us: int) -> int:
    return time_us // 1000


def micros_of(time_us: int) -> int:
    return time_us


def timestamp_of_millis(millis: int) -> int:
    return timestamp_fits(millis * 1000)


def timestamp_of_micros(micros: int) -> int:
    return micros


def timestamp_of_exact(seconds: Decimal) -> int:
    time_us = seconds.scaleb(6)
    if time_us != int(time_us):
        raise EvalError(f"[ARITHMETIC_OVERFLOW] {seconds} seconds have more than 6 digits after the point")
    return timestamp_fits(int(time_us))


def timestamp_of_float(seconds: float) -> int | None:
    if seconds != seconds or seconds in (float("inf"), float("-inf")):
        return None
    return int(max(min(seconds * 1e6, 2.0**63), -(2.0**63))) - (seconds * 1e6 >= 2.0**63)


def months_added(day: date, months: int) -> date:
    return add_months(day, months)


PARTS: dict[str, Callable[..., object]] = {
    "YEAR": year, "Y": year, "YEARS": year, "YR": year, "YRS": year, "YEAROFWEEK": year_of_week, "QUARTER": quarter,
    "QTR": quarter, "MONTH": month, "MON": month, "MONS": month, "MONTHS": month, "WEEK": week_of_year,
    "W": week_of_year,
    "WEEKS": week_of_year, "DAY": day_of_month, "D": day_of_month, "DAYS": day_of_month, "DAYOFWEEK": day_of_week,
    "DOW": day_of_week, "DAYOFWEEK_ISO": day_of_week_iso, "DOW_ISO": day_of_week_iso, "DOY": day_of_year,
    "HOUR": hour, "H": hour, "HOURS": hour, "HR": hour, "HRS": hour, "MINUTE": minute, "M": minute, "MIN": minute,
    "MINS": minute, "MINUTES": minute, "SECOND": second_with_fraction, "S": second_with_fraction,
    "SEC": second_with_fraction, "SECONDS": second_with_fraction, "SECS": second_with_fraction,
}  # fmt: skip
OF_TIME = (hour, minute, second, second_with_fraction)
