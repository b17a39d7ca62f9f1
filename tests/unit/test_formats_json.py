"""JSON rows: run-time values of each type, refusals that point, the same answer by batch and one by one."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.events import Limits, Reason, Refusal
from sightline.formats.json import JsonReader
from sightline.formats.reader import good_indices, one_by_one
from sightline.io.records import Raw, RawBatch
from sightline.query.types import parse_type

TYPES = {
    "b": "boolean",
    "tiny": "tinyint",
    "small": "smallint",
    "i": "int",
    "big": "bigint",
    "f": "float",
    "d": "double",
    "n": "decimal(5,2)",
    "s": "string",
    "raw": "binary",
    "day": "date",
    "t": "timestamp",
    "many": "array<bigint>",
    "times": "array<timestamp>",
    "o": "struct<x: int, when: timestamp, in: struct<f: float>>",
    "os": "array<struct<x: int>>",
}


def reader(**types: str) -> JsonReader:
    return JsonReader({name: parse_type(text) for name, text in (types or TYPES).items()})


def batch(values: Sequence[bytes | None]) -> RawBatch:
    return RawBatch("t", 0, [Raw(None, value, [], 0, offset) for offset, value in enumerate(values)])


def read(text: bytes, **types: str) -> Any:
    """The only column of a row."""
    row = reader(**types).read(None, text, None, 0)
    return row if isinstance(row, Refusal) else row.c0


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("boolean", "true", True),
        ("tinyint", "-128", -128),
        ("smallint", "32767", 32767),
        ("int", "-2147483648", -(2**31)),
        ("bigint", "9223372036854775807", 2**63 - 1),
        ("bigint", "-9223372036854775808", -(2**63)),
        ("float", "0.1", 0.10000000149011612),
        ("float", "1e40", float("inf")),
        ("float", "-1e40", float("-inf")),
        ("double", "7", 7.0),
        ("decimal(5,2)", "1.005", Decimal("1.01")),
        ("decimal(5,2)", '"-1.005"', Decimal("-1.01")),
        ("decimal(5,2)", "999.99", Decimal("999.99")),
        ("decimal(38,0)", "9" * 38, Decimal("9" * 38)),
        ("decimal(5,2)", "0", Decimal("0.00")),
        ("string", '"\\u00e9"', "é"),
        ("binary", '"aGk="', b"hi"),
        ("date", '"2026-02-28"', date(2026, 2, 28)),
        ("timestamp", '"1970-01-01T00:00:01.000002Z"', 1_000_002),
        ("timestamp", '"1970-01-01T01:00:00+01:00"', 0),
        ("timestamp", '"1970-01-01T00:00:01"', 1_000_000),
        ("timestamp", '"1969-12-31T23:59:59.999999Z"', -1),
        ("array<bigint>", "[1, null]", [1, None]),
        ("array<timestamp>", '["1970-01-01T00:00:00Z", null]', [0, None]),
        ("array<array<decimal(3,1)>>", "[[1.25], null]", [[Decimal("1.3")], None]),
        ("bigint", "null", None),
    ],
)
def test_values(kind: str, text: str, value: Any) -> None:
    found = read(b'{"other": [{}], "a": ' + text.encode() + b"}", a=kind)
    assert (type(found), found) == (type(value), value)
    assert str(found) == str(value)


def test_structs_have_numbered_fields_and_sql_names_as_json() -> None:
    row = read(b'{"o": {"x": 1, "in": {"f": 0.1}, "when": "1970-01-01T00:00:01Z", "y": 0}}', o=TYPES["o"])
    assert (row.c0, row.c1, row.c2.c0) == (1, 1_000_000, 0.10000000149011612)
    assert msgspec.json.decode(msgspec.json.encode(row)) == {
        "x": 1,
        "when": 1_000_000,
        "in": {"f": 0.10000000149011612},
    }


@pytest.mark.parametrize(
    ("kind", "text", "detail"),
    [
        ("bigint", '"7"', "a: Expected `int | null`, got `str`: '7'"),
        ("bigint", "1.5", "a: Expected `int | null`, got `float`: '1.5'"),
        ("bigint", "9223372036854775808", "9223372036854775808"),
        ("tinyint", "128", "'128'"),
        ("string", "7", "'7'"),
        ("boolean", "1", "'1'"),
        ("double", '"NaN"', "'NaN'"),
        ("double", "1e999", "1e999"),
        ("decimal(5,2)", "1000", "1000 does not fit in decimal(5,2)"),
        ("decimal(5,2)", "999.995", "999.995 does not fit in decimal(5,2)"),
        ("decimal(5,2)", '"NaN"', "NaN does not fit"),
        ("decimal(5,2)", "1e999999999", "does not fit"),
        ("binary", '"%"', "'%'"),
        ("date", '"2026-02-30"', "'2026-02-30'"),
        ("timestamp", '"yesterday"', "'yesterday'"),
        ("timestamp", "7", "'7'"),
        ("array<bigint>", '[1, "x"]', "a[1]: Expected `int | null`, got `str`: 'x'"),
        ("struct<x: int>", '{"x": "y"}', "a.x: Expected `int | null`, got `str`: 'y'"),
    ],
)
def test_a_bad_value_is_refused_with_field_and_value(kind: str, text: str, detail: str) -> None:
    refusal = read(b'{"a": ' + text.encode() + b"}", a=kind)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == Reason.BAD_VALUE
    assert "a" in refusal.detail
    assert detail in refusal.detail


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.EMPTY_VALUE),
        (b"", Reason.EMPTY_VALUE),
        (b"[]", Reason.BAD_VALUE),
        (b"\xff", Reason.BAD_VALUE),
        (b'{"s": "\xff"}', Reason.BAD_VALUE),
        (b'{"s": "x"', Reason.BAD_VALUE),
        (b'{"x": ' + b"[" * 100_000, Reason.BAD_VALUE),
        (b'{"s": "' + b"x" * 100 + b'"}', Reason.EVENT_TOO_LARGE),
    ],
)
def test_what_is_no_row_is_refused(value: bytes | None, reason: Reason) -> None:
    limits = Limits(event_bytes_max=100) if reason is Reason.EVENT_TOO_LARGE else Limits()
    refusal = JsonReader({"s": parse_type("string")}, limits).read(None, value, None, 0)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == reason
    assert len(refusal.detail) < 500


def test_only_needed_columns_are_decoded_and_keep_their_numbers() -> None:
    pruned = reader(a="bigint", b="timestamp", c="string").needs({"b"})
    row: Any = pruned.read(None, b'{"a": "bad", "b": "1970-01-01T00:00:01Z", "c": 1}', None, 0)
    assert row.c1 == 1_000_000
    assert [each.read.format(row="row") for each in pruned.columns.values()] == ["row.c0", "row.c1", "row.c2"]
    assert pruned.read_many(batch([b"{}", b'{"a": 1}'])) == ([pruned.read(None, b"{}", None, 0)] * 2, [])


@pytest.mark.parametrize("kind", ["void", "struct<x: void>", "array<void>"])
def test_a_type_without_values_is_refused_at_once(kind: str) -> None:
    with pytest.raises(ValueError, match="void"):
        reader(a=kind)


GOOD = b'{"i": 1}'


@pytest.mark.parametrize(
    ("values", "bad"),
    [
        ([GOOD, GOOD], []),
        ([GOOD, b'{"i": "x"}', GOOD], [1]),
        ([None, GOOD, b""], [0, 2]),
        ([b' {"i": 2} ', GOOD], []),
        ([b'{"i":\n2}', GOOD], []),
        # Several objects in one record, an object over two records, and both.
        ([b'{"i": 1}{"i": 2}', GOOD], [0]),
        ([b'{"i": 1}\n{"i": 2}', GOOD], [0]),
        ([b'{"o": {}', b'{"i": 1}}', GOOD], [0, 1]),
        ([b'{"o": {"x": 1}', b'{"i": 1}\n{"i": 2}'], [0, 1]),
        ([b'{"s": "}', b'{", "i": 1}', b'{"i": 1}{"i": 2}'], [0, 1, 2]),
    ],
)
def test_in_a_batch_a_bad_record_is_alone(values: list[bytes | None], bad: list[int]) -> None:
    rows, refusals = reader().read_many(batch(values))
    assert [index for index, _ in refusals] == bad
    assert len(rows) == len(values) - len(bad)
    assert list(good_indices(len(values), refusals)) == [i for i in range(len(values)) if i not in bad]


FRAGMENTS = st.lists(
    st.sampled_from([b"{", b"}", b'"i"', b'"o"', b":", b",", b"1", b'"', b"\n", b"[", b"]", b"\\", b"null", GOOD, b" "])
).map(b"".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*TYPES, "z"]), inner, max_size=6),
    max_leaves=8,
).map(msgspec.json.encode)
RECORD = st.none() | st.binary() | FRAGMENTS | FRAGMENTS.map(lambda text: b"{" + text + b"}") | JSON


@given(st.lists(RECORD, min_size=1, max_size=5))
def test_no_bytes_raise_and_a_batch_says_what_its_records_say(values: list[bytes | None]) -> None:
    for each in (reader(), reader().needs({"i", "t"})):
        assert each.read_many(batch(values)) == one_by_one(each, batch(values))
