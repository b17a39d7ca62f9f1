"""LIKE and regular expressions."""

from collections.abc import Callable
from typing import Any

from sightline.query.errors import EvalError
from sightline.query.expressions.code import Code
from sightline.query.functions.registry import Call, define, family
from sightline.query.runtime import regexes
from sightline.query.runtime.text import ilike, like, like_pattern, regex, rlike
from sightline.query.types import ARRAY_OF_STRING, BOOLEAN, INT, STRING

family("regular expressions")


def _like(call: Call) -> Code:
    """A constant pattern is compiled once; one that only begins or ends with % is a comparison of ends."""
    e = call.e
    escape = call.constant(2) if len(call.codes) > 2 else "\\"
    if not isinstance(escape, str) or len(escape) != 1:
        raise call.error("ESCAPE is followed by one character")
    text, pattern = call.codes[:2]
    ignore_case = call.function.name == "ilike"
    if ignore_case or not pattern.constant or pattern.value is None:
        return e.call(ilike if ignore_case else like, BOOLEAN, text, pattern, e.constant(escape, STRING))
    try:
        compiled = like_pattern(pattern.value, escape, False)
    except EvalError as error:
        raise e.error(str(error), call.arguments[1]) from None
    bare = pattern.value.strip("%")
    if not any(each in bare for each in ("%", "_", escape)):
        quick = _ends(pattern.value, bare)
        if quick:
            return e.null_safe(lambda a: quick.format(a=a, bare=repr(bare)), BOOLEAN, text)
    name = e.keep(compiled.fullmatch)
    return e.null_safe(lambda a: f"{name}({a}) is not None", BOOLEAN, text)


def _ends(pattern: str, bare: str) -> str | None:
    if not bare:
        return None
    first, last = pattern.startswith("%"), pattern.endswith("%")
    if first and last:
        return "{bare} in {a}"
    if first:
        return "{a}.endswith({bare})"
    return "{a}.startswith({bare})" if last else "{a} == {bare}"


def _checked(call: Call) -> None:
    """A constant pattern is refused when the query is compiled, not with each row."""
    pattern = call.codes[1]
    if pattern.constant and pattern.value is not None:
        try:
            regex(pattern.value)
        except EvalError as error:
            raise call.e.error(str(error), call.arguments[1]) from None


def _rlike(call: Call) -> Code:
    _checked(call)
    text, pattern = call.codes
    if not pattern.constant or pattern.value is None:
        return call.e.call(rlike, BOOLEAN, text, pattern)
    name = call.e.keep(regex(pattern.value).search)
    return call.e.null_safe(lambda a: f"{name}({a}) is not None", BOOLEAN, text)


def _with(helper: Callable[..., Any], kind: Any, gives_null: bool = False) -> Callable[[Call], Code]:
    def build(call: Call) -> Code:
        _checked(call)
        if helper is regexes.regexp_replace and call.codes[2].constant and call.codes[2].value is not None:
            try:
                regexes.template(call.codes[2].value)
            except EvalError as error:
                raise call.e.error(str(error), call.arguments[2]) from None
        return call.e.call(helper, kind, *call.codes, gives_null=gives_null)

    return build


define(
    "like(text string, pattern string[, escape string]) -> boolean",
    None,
    "`text LIKE pattern`: % stands for any characters, _ for one.",
    ("'abc' LIKE 'a%'", "true"),
    ("'a%c' LIKE 'a!%_' ESCAPE '!'", "true"),
    build=_like,
)
define(
    "ilike(text string, pattern string[, escape string]) -> boolean",
    None,
    "LIKE without regard to case.",
    ("'ABC' ILIKE 'a%'", "true"),
    build=_like,
)
define(
    "rlike(text string, pattern string) -> boolean",
    None,
    "Whether the pattern is found in the text. Also `text RLIKE pattern`.",
    ("'abc' RLIKE 'b.$'", "true"),
    build=_rlike,
    aliases=("regexp", "regexp_like"),
)
define(
    "regexp_extract(text string, pattern string[, group int]) -> string",
    None,
    "What the group (1 by default, 0 is all) matched first; '' if nothing matched.",
    ("regexp_extract('a-12', '([a-z])-([0-9]+)', 2)", "'12'"),
    build=_with(regexes.regexp_extract, STRING),
)
define(
    "regexp_extract_all(text string, pattern string[, group int]) -> array<string>",
    None,
    "What the group matched each time.",
    ("regexp_extract_all('a1b22', '([0-9]+)')", "array('1', '22')"),
    build=_with(regexes.regexp_extract_all, ARRAY_OF_STRING),
)
define(
    "regexp_substr(text string, pattern string) -> string",
    None,
    "What the pattern matched first; NULL if nothing.",
    ("regexp_substr('a-12', '[0-9]+')", "'12'"),
    build=_with(regexes.regexp_substr, STRING, True),
)
define(
    "regexp_replace(text string, pattern string, replacement string) -> string",
    None,
    "Each match replaced; $1 in the replacement is what group 1 matched.",
    ("regexp_replace('a-12', '([0-9])', '<$1>')", "'a-<1><2>'"),
    build=_with(regexes.regexp_replace, STRING),
)
define(
    "regexp_count(text string, pattern string) -> int",
    None,
    "How often the pattern matches.",
    ("regexp_count('a1b2', '[0-9]')", "2"),
    build=_with(regexes.regexp_count, INT),
)
define(
    "regexp_instr(text string, pattern string) -> int",
    None,
    "Where the first match begins, from 1; 0 if nowhere.",
    ("regexp_instr('ab1', '[0-9]')", "3"),
    build=_with(regexes.regexp_instr, INT),
)
define(
    "split(text string, pattern string[, limit int]) -> array<string>",
    None,
    "The pieces between the matches; at most `limit` if it is positive.",
    ("split('a1b2c', '[0-9]')", "array('a', 'b', 'c')"),
    ("split('a,b,c', ',', 2)", "array('a', 'b,c')"),
    build=_with(regexes.split, ARRAY_OF_STRING),
)
