"""Dates and timestamps from text and to text, by Java's patterns."""

from collections.abc import Callable

from sightline.query.errors import EvalError
from sightline.query.expressions.casts import explicit, tried
from sightline.query.expressions.code import Code
from sightline.query.functions.registry import Call, define, family
from sightline.query.runtime import calendar, patterns
from sightline.query.types import BIGINT, DATE, NULL, STRING, TIMESTAMP

family("dates and times as text")


def _checked(call: Call, index: int, check: Callable[[str], object]) -> None:
    """A constant pattern is refused when the query is compiled."""
    if len(call.codes) > index and call.codes[index].constant and call.codes[index].value is not None:
        try:
            check(call.codes[index].value)
        except EvalError as error:
            raise call.e.error(str(error), call.arguments[index]) from None


def _to(call: Call) -> Code:
    """to_date and to_timestamp: by pattern, or as CAST does."""
    kind = DATE if call.function.name == "to_date" else TIMESTAMP
    value = call.codes[0]
    if len(call.codes) == 1 or value.type in (DATE, TIMESTAMP):
        if call.function.name.startswith("try"):
            return tried(call.e, value, lambda code: explicit(call.e, code, kind, call.node))
        return explicit(call.e, value, kind, call.node)
    if value.type not in (STRING, NULL):
        raise call.error(f"{call.function.name} reads a STRING by a pattern, this is {str(value.type).upper()}")
    _checked(call, 1, patterns.reader)
    text = call.e.cast(value, STRING)
    if call.function.name == "try_to_timestamp":
        return call.e.call(patterns.try_parse_time, TIMESTAMP, text, call.codes[1], gives_null=True)
    helper = patterns.parse_date if kind == DATE else patterns.parse_time
    return call.e.call(helper, kind, text, call.codes[1])


def _date_format(call: Call) -> Code:
    _checked(call, 1, patterns.writer)
    return call.e.call(patterns.format_time, STRING, *call.codes)


def _unix_timestamp(call: Call) -> Code:
    value = call.codes[0]
    if value.type in (DATE, TIMESTAMP):
        return call.e.call(calendar.seconds_towards_zero, BIGINT, call.e.cast(value, TIMESTAMP))
    if value.type not in (STRING, NULL):
        raise call.error(
            f"{call.function.signature}: time is STRING, DATE or TIMESTAMP, this is {str(value.type).upper()}"
        )
    _checked(call, 1, patterns.reader)
    return call.e.call(patterns.parse_seconds, BIGINT, value, *call.codes[1:])


def _from_unixtime(call: Call) -> Code:
    _checked(call, 1, patterns.writer)
    return call.e.call(patterns.format_seconds, STRING, *call.codes)


define(
    "to_date(value any[, pattern string]) -> date",
    None,
    "Text as a date, by a pattern such as 'dd.MM.yyyy' or as CAST.",
    ("to_date('29.02.2020', 'dd.MM.yyyy')", "DATE '2020-02-29'"),
    build=_to,
)
define(
    "to_timestamp(value any[, pattern string]) -> timestamp",
    None,
    "Text as a timestamp, by a pattern or as CAST.",
    ("to_timestamp('20200229 1314', 'yyyyMMdd HHmm')", "TIMESTAMP '2020-02-29 13:14:00'"),
    build=_to,
)
define(
    "try_to_timestamp(value any[, pattern string]) -> timestamp",
    None,
    "As to_timestamp; NULL where the text is not one.",
    ("try_to_timestamp('x', 'yyyy-MM-dd')", "NULL"),
    build=_to,
)
define(
    "date_format(time timestamp, pattern string) -> string",
    None,
    "Text of a timestamp: y M d H h m s S a E D Q and zones, as Java's DateTimeFormatter.",
    ("date_format(TIMESTAMP '2020-02-29 13:14:15', 'EEE d MMM yyyy, h:mm a')", "'Sat 29 Feb 2020, 1:14 PM'"),
    build=_date_format,
)
define(
    "unix_timestamp(time any[, pattern string]) -> bigint",
    None,
    "Whole seconds since 1970; of text by a pattern, by default 'yyyy-MM-dd HH:mm:ss'.",
    ("unix_timestamp('1970-01-01 00:01:00')", "60L"),
    build=_unix_timestamp,
    aliases=("to_unix_timestamp",),
)
define(
    "from_unixtime(seconds bigint[, pattern string]) -> string",
    None,
    "Text of seconds since 1970, by default 'yyyy-MM-dd HH:mm:ss'.",
    ("from_unixtime(60)", "'1970-01-01 00:01:00'"),
    build=_from_unixtime,
)
