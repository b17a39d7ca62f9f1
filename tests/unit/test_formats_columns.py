"""Columns decoded natively are the values of the rows that msgspec decodes, or are given up; never anything else."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sightline.compiled import NATIVE_VARIABLE
from sightline.formats.json import JsonReader
from sightline.formats.reader import read_rows
from sightline.io.records import Raw, RawBatch
from sightline.query.runtime.vectors import rest
from sightline.query.types import parse_type

TYPES = {
    "s": "string",
    "b": "boolean",
    "tiny": "tinyint",
    "small": "smallint",
    "i": "int",
    "big": "bigint",
    "d": "double",
    "at": "timestamp",
    "naïve name": "string",
}
READER = JsonReader({name: parse_type(text) for name, text in TYPES.items()})


def batch(values: Sequence[bytes]) -> RawBatch:
    return RawBatch("t", 0, [Raw(None, value, [], 0, offset) for offset, value in enumerate(values)])


def by_columns(values: Sequence[bytes], reader: JsonReader = READER) -> list[str] | None:
    """The rows' values as text, so that 0.0 is not -0.0 and 1 not True; None where they are given up."""
    columns = reader.read_columns(batch(values))
    if columns is None:
        return None
    return [repr(each) for each in zip(*(rest(each, 0) for each in columns.fields.values()), strict=True)]


def by_rows(values: Sequence[bytes], reader: JsonReader = READER) -> list[str] | None:
    """None where a record is refused."""
    rows, refusals = read_rows(reader, batch(values))
    if refusals:
        return None
    return [repr(tuple(getattr(row, name) for name in row.__struct_fields__)) for row in rows]


PLAIN = [
    b"{}",
    b'{"s":"a","b":true,"tiny":-128,"small":32767,"i":-2147483647,"big":999999999999999999,"d":1.5}',
    b' \t\r\n{ "s" : "a" , "z" : [ 1 , { "y" : [ ] , "x" : { } } , "t" , null , true , false , -0.5e+7 ] }'.strip(),
    b'{"s":null,"b":null,"i":null,"d":null}',
    b'{"d":0,"i":0}',
    b'{"d":-0,"i":-0}',
    b'{"d":-0.0}',
    b'{"d":123456789012345678901234567890}',
    b'{"d":4.9406564584124654e-324}',
    b'{"d":-1E2}',
    b'{"s":"one","s":"two"}',
    b'{"s":"one","s":null}',
    b'{"i":1,"i":2,"z":1,"z":2}',
    '{"s":"Grüße 🎈","naïve name":"ï"}'.encode(),
    b'{"s":"' + b"x" * 500 + b'"}',
    b'{"s":"","z":""}',
    b'{"s":"\x7f"}',
    b'{"z":"\xff \xed\xa0\x80"}',
    b'{"\xff":1}',
    b'{"z":12345678901234567890123456789012345678901234567890,"y":1e999}',
    b'{"b":false,"z":true}',
    b'{"z":"\\"\\\\\\/\\b\\f\\n\\r\\t","y":{"\\n":"\\\\"},"s":"a"}',
    b'{"z":' + b"[" * 30 + b"]" * 30 + b"}",
    b'{"at":null}',
    *(b'{"at":"%s"}' % text for text in (
        b"2026-01-31T23:59:59", b"2026-01-31T23:59:59Z", b"2026-01-31T23:59:59.5Z", b"1969-12-31T23:59:59.999999",
        b"2024-02-29T00:00:00.000001+00:00", b"2000-02-29T12:00:00-00:00", b"1999-12-31T23:59:59.12345+23:59",
        b"0002-01-01T00:00:00+23:59", b"9998-12-31T23:59:59.999999-23:59", b"1900-03-01T00:00:00Z",
    )),
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN)
def test_what_is_plain_is_decoded(value: bytes) -> None:
    assert by_columns([value]) == by_rows([value]) is not None
    assert by_columns([b"{}", value, value, b'{"s":"b"}']) == by_rows([b"{}", value, value, b'{"s":"b"}'])


REFUSED = [
    *(b'{"s":%s}' % text for text in (b"1", b"true", b'"\x01"', b'"\xff"', b'"\xed\xa0\x80"', b'"\\q"', b"[]", b"nul")),
    *(b'{"tiny":%s}' % text for text in (b"128", b"-129", b"1.0", b"1e0", b'"1"', b"true", b"01", b"-", b"+1", b"")),
    *(b'{"d":%s}' % text for text in (b"1e999", b"NaN", b"Infinity", b"1.", b".5", b"1e", b'"1"', b"- 1", b"0x1")),
    *(b'{"b":%s}' % text for text in (b"1", b'"true"', b"tru", b"truefalse", b"nulll")),
    *(b'{"z":%s}' % text for text in (b"01", b"1.", b"[1,]", b"[,]", b'{"a"}', b'{"a":}', b'{1:2}', b"'a'", b'"\n"')),
    *(b'{"z":%s}' % text for text in (b"[1 2]", b"[1}", b'{"a":1]', b'"\\u12"', b'"\\', b"tru", b'{"a":1,}')),
    *(b"{%s}" % text for text in (b'"s":"a",', b'"s"', b'"s" "a"', b'"s":"a" "b":true', b",", b'"\x00":1', b"s:1")),
    *(b'{"at":%s}' % text for text in (b"1", b"1.5", b"true", b'""', b'"2026"', b'"2026-01-31"', b'"now"')),
    *(b'{"at":"%s"}' % text for text in (
        b"2025-02-29T00:00:00", b"1900-02-29T00:00:00", b"2026-00-01T00:00:00", b"2026-13-01T00:00:00",
        b"2026-01-00T00:00:00", b"2026-04-31T00:00:00", b"2026-01-01T24:00:00", b"2026-01-01T00:60:00",
        b"2026-01-01T00:00:60", b"0000-01-01T00:00:00", b"2026-01-01T00:00:00.Z", b"2026-01-01T00:00:00+24:00",
        b"2026-01-01T00:00:00+01:60", b"2026-01-01T00:00:00+1:00", b"2026-01-01T00:00:00 Z", b"2026-01-01T00:00:0",
        b"2026-01-01T00:00:00Zx", b"+026-01-01T00:00:00", b"2026-1-01T00:00:000",
    )),
    b'{"s":"a"}{"s":"b"}',
    b'{"s":"a"},{"s":"b"}',
    b'{"s":"a"}\n{"s":"b"}',
]  # fmt: skip


@pytest.mark.parametrize("value", REFUSED)
def test_what_msgspec_refuses_is_not_decoded(value: bytes) -> None:
    assert by_rows([value]) is None
    assert by_columns([value]) is None
    assert by_columns([b'{"s":"a"}', value, b'{"s":"a"}']) is None


GIVEN_UP = [
    b'{"s":"a\\nb"}',
    b'{"z":"\\u00fc"}',
    b'{"\\u0073":"a"}',
    b'{"big":1000000000000000000}',
    b'{"d":0.%s}' % (b"1" * 70),
    b'{"z":' + b"[" * 40 + b"]" * 40 + b"}",
    b"{%s}" % b",".join(b'"z%d":1' % number for number in range(65)),
    b'{"at":"2026-01-31T23:59:59.1234567Z"}',
    b'{"at":"2026-01-31t23:59:59z"}',
    b'{"at":"2026-01-31 23:59:59"}',
    b'{"at":"0001-01-01T00:00:00"}',
    b'{"at":"9999-12-31T00:00:00Z"}',
]


@pytest.mark.parametrize("value", GIVEN_UP)
def test_what_is_right_but_not_plain_is_left_to_msgspec(value: bytes) -> None:
    assert by_rows([value]) is not None
    assert by_columns([b'{"s":"a"}', value]) is None


def test_one_object_over_two_records_is_not_taken_for_two() -> None:
    values = [b'{"z":{"s":"a"}', b'{"s":"b"}}', b'{"s":"a"}\n{"s":"b"}']
    assert by_columns(values) is None
    assert by_columns(values[:2]) is None


KEYS = st.sampled_from([*TYPES, "z", "escaped\n"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.integers(-200, 200) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=6,
)
ZONES = st.none() | st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.builds(
    lambda moment, zone: moment.replace(tzinfo=zone).isoformat(),
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),
    ZONES,
)
FITTING = st.fixed_dictionaries(
    {},
    optional={
        "s": st.text(),
        "b": st.booleans(),
        "tiny": st.integers(-128, 127),
        "small": st.integers(-(2**15), 2**15 - 1),
        "i": st.integers(-(2**31), 2**31 - 1),
        "big": st.integers(-(2**63), 2**63 - 1),
        "d": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**80), 2**80),
        "at": TIMES,
        "naïve name": st.text() | st.none(),
        "z": VALUES,
    },
)


@st.composite
def record(draw: st.DrawFn) -> bytes:
    fields = draw(FITTING | st.dictionaries(KEYS, VALUES, max_size=5))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")]))
    items = draw(st.permutations(list(fields.items())))
    return json.dumps(dict(items), separators=separators, ensure_ascii=draw(st.booleans())).encode("utf-8", "replace")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    value = bytearray(draw(record()))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(value)))
        value[at : at + draw(st.integers(0, 3))] = draw(
            st.sampled_from([b'"', b"\\", b"{", b"}", b"\n", b",", b"0", b"9", b":", b"-"])
        )
    return b"{" + bytes(value[1:-1]) + b"}"


@given(st.lists(record() | damaged(), min_size=1, max_size=4))
@example([b'{"s":"%s"}' % (b"a" * size) for size in range(70)])
@example([b'{"s":"%s","%s":"b"}' % (b"a" * size, b"s" * size) for size in range(20)])
def test_either_what_msgspec_says_or_nothing(values: list[bytes]) -> None:
    found = by_columns(values)
    assert found is None or found == by_rows(values)
    narrow = READER.needs({"i", "s"})
    found = by_columns(values, narrow)
    assert found is None or found == by_rows(values, narrow)


def test_strings_that_share_a_place_in_the_memory_keep_apart() -> None:
    values = [b'{"s":"%d"}' % (number * number % 100_003) for number in range(50_000)]
    assert by_columns(values) == by_rows(values)


def test_what_is_left_to_msgspec(monkeypatch: pytest.MonkeyPatch) -> None:
    when = JsonReader({"on": parse_type("date"), "s": parse_type("string")})
    good = batch([b'{"s":"a"}'])
    assert when.read_columns(good) is None
    assert when.needs({"s"}).read_columns(good) is not None  # the other column is not needed
    monkeypatch.setenv(NATIVE_VARIABLE, "0")
    assert when.needs({"s"}).read_columns(good) is None
