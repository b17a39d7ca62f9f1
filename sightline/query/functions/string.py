"""Text: its case, parts and places."""

from collections.abc import Callable
from typing import Any

from sightline.query.expressions.code import Code
from sightline.query.functions.registry import Call, define, family
from sightline.query.runtime import strings
from sightline.query.types import ARRAY_OF_STRING, BINARY, INT, STRING, Array

family("string")


def _upper(text: str) -> str:
    return text.upper()


def _lower(text: str) -> str:
    return strings.lower(text)


def _concat(call: Call) -> Code:
    e = call.e
    if not call.codes:
        return e.constant("", STRING)
    if any(isinstance(each.type, Array) for each in call.codes):
        raise call.error("concat of arrays is not supported")
    binary = all(each.type == BINARY for each in call.codes)
    parts = call.codes if binary else [e.cast(each, STRING) for each in call.codes]
    return e.null_safe(lambda *names: " + ".join(names), BINARY if binary else STRING, *parts)


def _concat_ws(call: Call) -> Code:
    e = call.e
    parts = []
    for code, node in zip(call.codes[1:], call.arguments[1:], strict=True):
        if not (code.type == ARRAY_OF_STRING or not isinstance(code.type, Array)):
            raise e.error("concat_ws joins strings and arrays of strings", node)
        parts.append(code if isinstance(code.type, Array) else e.cast(code, STRING))
    name = e.use(strings.concat_ws)
    separator = call.codes[0]
    texts = ", ".join(each.text for each in parts)
    return e.code(f"{name}({separator.text}, {texts})", STRING, separator.nullable, separator, *parts)


def _length(call: Call) -> Code:
    code = call.codes[0]
    return call.e.call(len, INT, code if code.type == BINARY else call.e.cast(code, STRING))


def _text_or_bytes(call: Call) -> Code:
    """For functions that take both, and give what they took."""
    helpers: dict[str, Callable[..., Any]] = {
        "substring": strings.substring,
        "left": strings.left,
        "right": strings.right,
    }
    code = call.codes[0]
    kind = BINARY if code.type == BINARY else STRING
    name = call.function.name.replace("substr", "substring").replace("inging", "ing")
    return call.e.call(helpers[name], kind, call.e.cast(code, kind), *call.codes[1:])


def _pad(call: Call) -> Code:
    if call.codes[0].type == BINARY:
        raise call.error(f"{call.function.name} of BINARY is not supported")
    helper = strings.lpad if call.function.name == "lpad" else strings.rpad
    text, length, *pad = call.codes
    return call.e.call(helper, STRING, call.e.cast(text, STRING), length, *(call.e.cast(each, STRING) for each in pad))


def _trim(call: Call) -> Code:
    helper = {"trim": strings.trim, "btrim": strings.trim, "ltrim": strings.ltrim, "rtrim": strings.rtrim}
    codes = call.codes
    if len(codes) == 2 and call.function.name != "btrim":
        codes = [codes[1], codes[0]]
    return call.e.call(helper[call.function.name], STRING, *codes)


define("upper(text string) -> string", _upper, "In upper case.", ("upper('añb')", "'AÑB'"), aliases=("ucase",))
define("lower(text string) -> string", _lower, "In lower case.", ("lower('AÑB')", "'añb'"), aliases=("lcase",))
define(
    "initcap(text string) -> string",
    strings.initcap,
    "Each word (between spaces) with a capital first letter.",
    ("initcap('hello wORLD')", "'Hello World'"),
)
define(
    "length(text any) -> int",
    None,
    "Characters of a STRING, bytes of a BINARY.",
    ("length('añ😀')", "3"),
    ("length(x'0102')", "2"),
    build=_length,
    aliases=("char_length", "character_length", "len"),
)
define("octet_length(text string) -> int", strings.octet_length, "Bytes in UTF-8.", ("octet_length('añ')", "3"))
define("bit_length(text string) -> int", strings.bit_length, "Bits in UTF-8.", ("bit_length('a')", "8"))
define(
    "concat([value any, ...]) -> string",
    None,
    "Everything as one STRING; NULL if any is. Also written `||`.",
    ("concat('a', 1, true)", "'a1true'"),
    ("'a' || NULL", "NULL"),
    build=_concat,
)
define(
    "concat_ws(separator string, value any, ...) -> string",
    None,
    "The values that are not NULL, and the elements of arrays of strings, with `separator` between them.",
    ("concat_ws('-', 'a', NULL, 'b')", "'a-b'"),
    build=_concat_ws,
)
define(
    "trim([characters string,] text string) -> string",
    None,
    "Without `characters` (blanks) at both ends. Also `trim(BOTH characters FROM text)`.",
    ("trim('  a ')", "'a'"),
    ("trim(BOTH 'x' FROM 'xax')", "'a'"),
    build=_trim,
)
define(
    "ltrim([characters string,] text string) -> string",
    None,
    "Without `characters` (blanks) at its beginning.",
    ("ltrim('  a ')", "'a '"),
    build=_trim,
)
define(
    "rtrim([characters string,] text string) -> string",
    None,
    "Without `characters` (blanks) at its end.",
    ("rtrim('  a ')", "'  a'"),
    build=_trim,
)
define(
    "btrim(text string[, characters string]) -> string",
    None,
    "Without `characters` (blanks) at both ends.",
    ("btrim('xax', 'x')", "'a'"),
    build=_trim,
)
define(
    "substring(text any, start int[, length int]) -> any",
    None,
    "`length` characters (bytes of a BINARY) from `start` on, which counts from 1, or from the end if negative.",
    ("substring('hello', 2, 3)", "'ell'"),
    ("substring('hello', -3)", "'llo'"),
    ("substring('hello', 0, 2)", "'he'"),
    build=_text_or_bytes,
    aliases=("substr",),
)
define(
    "substring_index(text string, delimiter string, count int) -> string",
    strings.substring_index,
    "What stands before the `count`th delimiter, or after it counted from the end if negative.",
    ("substring_index('a.b.c', '.', 2)", "'a.b'"),
    ("substring_index('a.b.c', '.', -1)", "'c'"),
)
define(
    "left(text any, length int) -> any",
    None,
    "The first characters.",
    ("left('hello', 2)", "'he'"),
    build=_text_or_bytes,
)
define(
    "right(text string, length int) -> string",
    None,
    "The last characters.",
    ("right('hello', 2)", "'lo'"),
    build=_text_or_bytes,
)
define(
    "split_part(text string, delimiter string, part int) -> string",
    strings.split_part,
    "The `part`th piece, from 1, or from the end if negative; '' if there is none.",
    ("split_part('a-b-c', '-', 2)", "'b'"),
    ("split_part('a-b', '-', 5)", "''"),
)
define(
    "replace(text string, search string[, replacement string]) -> string",
    strings.replace,
    "Each `search` replaced, by nothing if there is no `replacement`.",
    ("replace('abab', 'b', 'x')", "'axax'"),
)
define(
    "translate(text string, from string, to string) -> string",
    strings.translate,
    "Each character of `from` replaced by the one in its place in `to`, or dropped.",
    ("translate('abcb', 'bc', 'x')", "'axx'"),
)
define(
    "overlay(text string, replacement string, start int[, length int]) -> string",
    strings.overlay,
    "`replacement` put over the characters from `start` on.",
    ("overlay('hello', 'XX', 2)", "'hXXlo'"),
)
define(
    "lpad(text any, length int[, pad string]) -> string",
    None,
    "Filled at the left to `length`, or cut to it.",
    ("lpad('7', 3, '0')", "'007'"),
    ("lpad('hello', 2)", "'he'"),
    build=_pad,
)
define(
    "rpad(text any, length int[, pad string]) -> string",
    None,
    "Filled at the right to `length`, or cut to it.",
    ("rpad('7', 3, 'ab')", "'7ab'"),
    build=_pad,
)
define(
    "repeat(text string, times int) -> string", strings.repeat, "`text` so many times.", ("repeat('ab', 2)", "'abab'")
)
define("space(length int) -> string", strings.space, "So many blanks.", ("space(2)", "'  '"))
define("reverse(text string) -> string", strings.reverse, "Back to front.", ("reverse('añ')", "'ña'"))
define(
    "instr(text string, search string) -> int",
    strings.instr,
    "Where `search` begins, from 1; 0 if nowhere.",
    ("instr('hello', 'l')", "3"),
)


def _locate(call: Call) -> Code:
    """0 if the start is NULL, whatever the rest is."""
    e, codes = call.e, call.codes
    if len(codes) < 3 or not codes[2].nullable:
        return e.call(strings.locate, INT, *codes)
    start = e.temporary()
    found = e.call(strings.locate, INT, *codes[:2], Code(start, INT, False, codes[2].stage))
    return e.code(f"(0 if ({start} := {codes[2].text}) is None else {found.text})", INT, found.nullable, *codes)


define(
    "locate(search string, text string[, start int]) -> int",
    None,
    "Where `search` begins at or after `start`, from 1; 0 if nowhere.",
    ("locate('l', 'hello', 4)", "4"),
    build=_locate,
    aliases=("position",),
)
define(
    "startswith(text string, prefix string) -> boolean",
    strings.startswith,
    "Whether it begins so.",
    ("startswith('hello', 'he')", "true"),
)
define(
    "endswith(text string, suffix string) -> boolean",
    strings.endswith,
    "Whether it ends so.",
    ("endswith('hello', 'lo')", "true"),
)
define(
    "contains(text string, search string) -> boolean",
    strings.contains,
    "Whether it holds `search`.",
    ("contains('hello', 'ell')", "true"),
)
define(
    "find_in_set(text string, list string) -> int",
    strings.find_in_set,
    "The place, from 1, in a list with commas; 0 if nowhere.",
    ("find_in_set('b', 'a,b')", "2"),
)
define(
    "ascii(text string) -> int",
    strings.first_code,
    "The code point of the first character; 0 of ''.",
    ("ascii('a')", "97"),
)
define(
    "chr(code bigint) -> string",
    strings.chr_latin,
    "The character of a code modulo 256; '' if negative.",
    ("chr(65)", "'A'"),
    aliases=("char",),
)
define(
    "levenshtein(left string, right string) -> int",
    strings.levenshtein,
    "How many characters must be put in, taken out or changed.",
    ("levenshtein('kitten', 'sitting')", "3"),
)
define(
    "soundex(text string) -> string", strings.soundex, "How an English word sounds.", ("soundex('Robert')", "'R163'")
)
