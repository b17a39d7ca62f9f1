"""Functions of NULL, and casts that are written as functions."""

from sightline.query.expressions.casts import explicit
from sightline.query.expressions.code import Code
from sightline.query.expressions.comparison import compare, held
from sightline.query.expressions.conditional import choose, coalesce
from sightline.query.expressions.logic import is_null
from sightline.query.functions.registry import Call, define, family
from sightline.query.types import BOOLEAN, NULL, parse_type

family("conditional")


def _coalesce(call: Call) -> Code:
    return coalesce(call.e, call.codes, call.function.name.upper(), call.node)


def _nullif(call: Call) -> Code:
    first, second = call.codes
    if NULL in (first.type, second.type):
        return first
    keep, kept = held(call.e, first)
    equal = compare(call.e, "==", kept, second, call.node)
    text = f"(None if ({keep}) is None or {equal.text} else {kept.text})"
    return call.e.code(text, first.type, True, first, second)


def _nvl2(call: Call) -> Code:
    first, *values = call.codes
    test = call.e.null_safe(lambda a: f"not {a}", BOOLEAN, is_null(call.e, first))
    return choose(call.e, [test], values, "NVL2", call.node)


def _if(call: Call) -> Code:
    return choose(call.e, call.codes[:1], call.codes[1:], "IF", call.node)


def _cast(call: Call) -> Code:
    return explicit(call.e, call.codes[0], parse_type(call.function.name), call.node)


def _isnull(call: Call) -> Code:
    absent = is_null(call.e, call.codes[0])
    return absent if call.function.name == "isnull" else call.e.null_safe(lambda a: f"not {a}", BOOLEAN, absent)


define(
    "coalesce(value any, ...) -> any",
    None,
    "The first value that is not NULL.",
    ("coalesce(NULL, 1, 2)", "1"),
    build=_coalesce,
)
define(
    "nvl(value any, otherwise any) -> any",
    None,
    "`value`, or `otherwise` if it is NULL.",
    ("nvl(NULL, 'x')", "'x'"),
    build=_coalesce,
    aliases=("ifnull",),
)
define(
    "nullif(value any, other any) -> any",
    None,
    "NULL if both are equal, else `value`.",
    ("nullif(2, 2)", "NULL"),
    ("nullif(2, 3)", "2"),
    build=_nullif,
)
define(
    "nvl2(value any, present any, absent any) -> any",
    None,
    "`present` if `value` is not NULL, else `absent`.",
    ("nvl2(NULL, 1, 2)", "2"),
    build=_nvl2,
)
define(
    "iff(condition boolean, yes any, no any) -> any",
    None,
    "As `if(condition, yes, no)`; Spark has only `if`.",
    build=_if,
)
define("isnull(value any) -> boolean", None, "Whether it is NULL.", ("isnull(NULL)", "true"), build=_isnull)
define("isnotnull(value any) -> boolean", None, "Whether it is not NULL.", ("isnotnull(1)", "true"), build=_isnull)
for _name in (
    "boolean",
    "tinyint",
    "smallint",
    "int",
    "bigint",
    "float",
    "double",
    "string",
    "binary",
    "date",
    "timestamp",
):
    define(f"{_name}(value any) -> {_name}", None, f"As CAST(value AS {_name.upper()}).", build=_cast)
