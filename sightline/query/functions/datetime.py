"""Dates and timestamps. The session's zone is UTC."""

from collections.abc import Callable
from typing import Any

from sightline.query.expressions.casts import explicit
from sightline.query.expressions.code import Code
from sightline.query.functions.registry import Call, define, family
from sightline.query.runtime import calendar, times
from sightline.query.schema import did_you_mean
from sightline.query.types import BIGINT, DATE, INT, NULL, STRING, TIMESTAMP, Decimal

family("dates and times")

for _name, _helper, _doc, _value in (
    ("year", calendar.year, "The year.", "2020"),
    ("quarter", calendar.quarter, "The quarter, 1 to 4.", "1"),
    ("month", calendar.month, "The month, 1 to 12.", "2"),
    ("day", calendar.day_of_month, "The day of the month.", "29"),
    ("dayofweek", calendar.day_of_week, "The day of the week; 1 is Sunday.", "7"),
    ("weekday", calendar.weekday, "The day of the week; 0 is Monday.", "5"),
    ("dayofyear", calendar.day_of_year, "The day of the year.", "60"),
    ("weekofyear", calendar.week_of_year, "The week, ISO 8601.", "9"),
):
    define(
        f"{_name}(day date) -> int",
        _helper,
        _doc,
        (f"{_name}(DATE '2020-02-29')", _value),
        aliases=("dayofmonth",) if _name == "day" else (),
    )
define("dayname(day date) -> string", calendar.day_name, "Mon to Sun.", ("dayname(DATE '2020-02-29')", "'Sat'"))
define("monthname(day date) -> string", calendar.month_name, "Jan to Dec.", ("monthname(DATE '2020-02-29')", "'Feb'"))
for _name, _of_time, _doc, _value in (
    ("hour", calendar.hour, "The hour, 0 to 23.", "13"),
    ("minute", calendar.minute, "The minute.", "14"),
    ("second", calendar.second, "The second, whole.", "15"),
):
    define(f"{_name}(time timestamp) -> int", _of_time, _doc, (f"{_name}(TIMESTAMP '2020-01-01 13:14:15.5')", _value))


def _part(call: Call) -> Code:
    field = call.constant(0)
    helper = calendar.PARTS.get(str(field).upper())
    if helper is None:
        raise call.error(f"unknown field {field!r}{did_you_mean(str(field).upper(), calendar.PARTS)}")
    time = call.codes[1]
    if time.type not in (DATE, TIMESTAMP, STRING, NULL):
        raise call.error(f"date_part needs a DATE or TIMESTAMP, this is {str(time.type).upper()}")
    kind = Decimal(precision=8, scale=6) if helper is calendar.second_with_fraction else INT
    return call.e.call(helper, kind, call.e.cast(time, TIMESTAMP if helper in calendar.OF_TIME else DATE))


def _days(call: Call) -> Code:
    day, amount = call.codes
    if amount.type not in (NULL, STRING) and (not amount.type.integral or amount.type == BIGINT):
        raise call.error(
            f"{call.function.signature}: days is INT, this is {str(amount.type).upper()}: write CAST(… AS INT)"
        )
    helper = times.subtract_days if call.function.name == "date_sub" else times.add_days
    return call.e.call(helper, DATE, day, call.e.cast(amount, INT))


def _unit(call: Call) -> str:
    unit = str(call.codes[0].value)
    found = unit[:-1] if unit.endswith("S") and unit[:-1] in calendar.UNITS else unit
    if found not in calendar.UNITS or found != unit:
        raise call.e.error(f"unknown unit {unit!r}{did_you_mean(unit, calendar.UNITS)}", call.arguments[0])
    return found


def _add(call: Call) -> Code:
    name, unit = call.e.use(calendar.timestamp_add), _unit(call)
    return call.e.null_safe(lambda n, t: f"{name}({unit!r}, {n}, {t})", TIMESTAMP, *call.codes[1:])


def _difference(call: Call) -> Code:
    name, unit = call.e.use(calendar.timestamp_diff), _unit(call)
    return call.e.null_safe(lambda a, b: f"{name}({unit!r}, {a}, {b})", BIGINT, *call.codes[1:])


def _truncated(call: Call) -> Code:
    """NULL for an unknown unit, before the time is looked at."""
    first, last = call.codes
    helper, unit, kind = (
        (calendar.trunc, last, DATE) if call.function.name == "trunc" else (calendar.date_trunc, first, TIMESTAMP)
    )
    if unit.constant and (unit.value is None or not calendar.is_unit(unit.value, of_date=kind == DATE)):
        return call.e.constant(None, kind)
    return call.e.call(helper, kind, first, last, gives_null=True)


def _seconds(call: Call) -> Code:
    code = call.codes[0]
    if code.type == NULL:
        code = call.e.cast(code, BIGINT)
    if code.type.integral:
        return call.e.call(times.timestamp_of_seconds, TIMESTAMP, code)
    if isinstance(code.type, Decimal):
        return call.e.call(calendar.timestamp_of_exact, TIMESTAMP, code)
    return call.e.call(calendar.timestamp_of_float, TIMESTAMP, code, gives_null=True)


def _number_only(helper: Callable[..., Any]) -> Callable[[Call], Code]:
    return lambda call: call.e.call(helper, TIMESTAMP, call.e.cast(call.codes[0], BIGINT))


def _exactly(kind: Any, helper: Callable[..., Any], result: Any) -> Callable[[Call], Code]:
    """Where Spark casts nothing."""

    def build(call: Call) -> Code:
        code = call.codes[0]
        if code.type not in (kind, NULL):
            raise call.error(f"{call.function.signature} needs a {str(kind).upper()}, this is {str(code.type).upper()}")
        return call.e.call(helper, result, call.e.cast(code, kind))

    return build


def _make_timestamp(call: Call) -> Code:
    e = call.e
    if not (call.codes[5].type.numeric or call.codes[5].type in (NULL, STRING)):
        raise call.error(f"{call.function.signature}: second is a number, this is {str(call.codes[5].type).upper()}")
    seconds = explicit(e, call.codes[5], Decimal(precision=16, scale=6), call.node)
    return e.call(calendar.make_timestamp, TIMESTAMP, *call.codes[:5], seconds, *call.codes[6:])


def _convert(call: Call) -> Code:
    if len(call.codes) != 3:
        raise call.error("convert_timezone takes the source's zone, the target's and the timestamp")
    raise call.error("convert_timezone gives a TIMESTAMP_NTZ, which is not supported: write from_utc_timestamp")


define(
    "date_part(field string, time any) -> int",
    None,
    "A field such as YEAR, QUARTER, MONTH, WEEK, DAY, DOW, DOY, HOUR, MINUTE; SECOND with its fraction. "
    "Also `extract(YEAR FROM time)`.",
    ("date_part('MONTH', DATE '2020-02-29')", "2"),
    ("extract(SECOND FROM TIMESTAMP '2020-01-01 00:00:01.5')", "1.500000"),
    build=_part,
    aliases=("datepart",),
)
define(
    "date_add(day date, days any) -> date",
    None,
    "So many days later; with a unit as timestampadd.",
    ("date_add(DATE '2020-02-28', 2)", "DATE '2020-03-01'"),
    build=_days,
    aliases=("dateadd",),
)
define(
    "date_sub(day date, days any) -> date",
    None,
    "So many days earlier.",
    ("date_sub(DATE '2020-03-01', 1)", "DATE '2020-02-29'"),
    build=_days,
)
define(
    "datediff(end date, start date) -> int",
    calendar.days_between,
    "The days from start to end; with a unit as timestampdiff.",
    ("datediff(DATE '2020-03-01', DATE '2020-02-28')", "2"),
    aliases=("date_diff",),
)
define(
    "timestampadd(unit unit, amount bigint, time timestamp) -> timestamp",
    None,
    f"Moved by {', '.join(calendar.UNITS)}.",
    ("timestampadd(MONTH, 1, TIMESTAMP '2020-01-31 00:00:00')", "TIMESTAMP '2020-02-29 00:00:00'"),
    build=_add,
)
define(
    "timestampdiff(unit unit, start timestamp, end timestamp) -> bigint",
    None,
    "Whole units from start to end.",
    ("timestampdiff(HOUR, TIMESTAMP '2020-01-01 00:00:00', TIMESTAMP '2020-01-01 02:59:00')", "2L"),
    build=_difference,
)
define(
    "add_months(day date, months int) -> date",
    calendar.months_added,
    "The same day so many months on, or the month's last.",
    ("add_months(DATE '2020-01-31', 1)", "DATE '2020-02-29'"),
)
define(
    "months_between(end timestamp, start timestamp[, round boolean]) -> double",
    calendar.months_between,
    "Months between, with the days beyond whole months as 31sts; rounded to 8 digits unless told not to.",
    ("months_between('2020-03-31', '2020-02-29')", "1.0D"),
)
define(
    "last_day(day date) -> date",
    calendar.last_day,
    "The month's last day.",
    ("last_day(DATE '2020-02-01')", "DATE '2020-02-29'"),
)
define(
    "next_day(day date, name string) -> date",
    calendar.next_day,
    "The next such day of the week.",
    ("next_day(DATE '2020-02-29', 'MON')", "DATE '2020-03-02'"),
)
define(
    "trunc(day date, unit string) -> date",
    None,
    "The first day of its YEAR, QUARTER, MONTH or WEEK; NULL for another unit.",
    ("trunc(DATE '2020-02-29', 'MONTH')", "DATE '2020-02-01'"),
    build=_truncated,
)
define(
    "date_trunc(unit string, time timestamp) -> timestamp",
    None,
    "The beginning of its YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND, MILLISECOND; NULL for another unit.",
    ("date_trunc('HOUR', TIMESTAMP '2020-01-01 13:14:15')", "TIMESTAMP '2020-01-01 13:00:00'"),
    build=_truncated,
)
define(
    "timestamp_seconds(seconds number) -> timestamp",
    None,
    "Seconds since 1970.",
    ("timestamp_seconds(1)", "TIMESTAMP '1970-01-01 00:00:01'"),
    build=_seconds,
)
define(
    "timestamp_millis(milliseconds whole) -> timestamp",
    None,
    "Milliseconds since 1970.",
    ("timestamp_millis(1500)", "TIMESTAMP '1970-01-01 00:00:01.5'"),
    build=_number_only(calendar.timestamp_of_millis),
)
define(
    "timestamp_micros(microseconds whole) -> timestamp",
    None,
    "Microseconds since 1970.",
    ("timestamp_micros(1)", "TIMESTAMP '1970-01-01 00:00:00.000001'"),
    build=_number_only(calendar.timestamp_of_micros),
)
for _name, _of_time, _value in (
    ("seconds", calendar.seconds_of, "-1L"),
    ("millis", calendar.millis_of, "-500L"),
    ("micros", calendar.micros_of, "-500000L"),
):
    define(
        f"unix_{_name}(time any) -> bigint",
        None,
        f"Whole {_name} since 1970, rounded down.",
        (f"unix_{_name}(TIMESTAMP '1969-12-31 23:59:59.5')", _value),
        build=_exactly(TIMESTAMP, _of_time, BIGINT),
    )
define(
    "unix_date(day any) -> int",
    None,
    "Days since 1970.",
    ("unix_date(DATE '1970-01-02')", "1"),
    build=_exactly(DATE, times.days_of, INT),
)
define(
    "date_from_unix_date(days int) -> date",
    times.date_of_days,
    "Days since 1970 as a date.",
    ("date_from_unix_date(1)", "DATE '1970-01-02'"),
)
define(
    "make_date(year int, month int, day int) -> date",
    calendar.make_date,
    "A date of its parts.",
    ("make_date(2020, 2, 29)", "DATE '2020-02-29'"),
)
define(
    "make_timestamp(year int, month int, day int, hour int, minute int, second any[, zone string]) -> timestamp",
    None,
    "A timestamp of its parts, in UTC or in `zone`.",
    ("make_timestamp(2020, 1, 2, 3, 4, 5.5)", "TIMESTAMP '2020-01-02 03:04:05.5'"),
    build=_make_timestamp,
)
define(
    "from_utc_timestamp(time timestamp, zone string) -> timestamp",
    times.from_utc,
    "What a clock in `zone` shows then, as if in UTC.",
    ("from_utc_timestamp('2020-01-01 00:00:00', 'Asia/Seoul')", "TIMESTAMP '2020-01-01 09:00:00'"),
)
define(
    "to_utc_timestamp(time timestamp, zone string) -> timestamp",
    times.to_utc,
    "When a clock in `zone` shows this.",
    ("to_utc_timestamp('2020-01-01 09:00:00', 'Asia/Seoul')", "TIMESTAMP '2020-01-01 00:00:00'"),
)
