"""Columns inferred from records."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.events import Refusal
from sightline.formats.inference import infer, infer_table
from sightline.formats.json import JsonReader
from sightline.query.pipeline import Table
from sightline.query.types import parse_type


@pytest.mark.parametrize(
    ("values", "columns"),
    [
        ([b'{"a": 1, "b": "x"}', b'{"c": true}'], {"a": "bigint", "b": "string", "c": "boolean"}),
        ([b'{"a": 1}', b'{"a": 1.5}'], {"a": "double"}),
        ([b'{"a": 9223372036854775808}'], {"a": "double"}),
        ([b'{"a": null}', b'{"a": 1}'], {"a": "bigint"}),
        ([b'{"a": null, "b": [], "c": {}, "d": [null]}'], {}),
        ([b'{"a": 1}', b'{"a": "x"}', b'{"a": 1}'], {}),
        ([b'{"a": 1}', b'{"a": true}'], {}),
        ([b'{"a": [1, null]}', b'{"a": [2.5]}'], {"a": "array<double>"}),
        ([b'{"a": [1]}', b'{"a": 1}'], {}),
        ([b'{"a": [1, "x"], "b": 1}'], {"b": "bigint"}),
        ([b'{"o": {"x": 1}}', b'{"o": {"y": "z", "x": 0.5}}'], {"o": "struct<x: double, y: string>"}),
        ([b'{"o": {"x": 1, "m": 1}}', b'{"o": {"m": "z"}}'], {"o": "struct<x: bigint>"}),
        ([b'{"o": {"a b": 1, "x": 1, "X": 2, "": 3}}'], {"o": "struct<`a b`: bigint, x: bigint>"}),
        ([b'{"o": [{"x": [{"y": 1}]}]}'], {"o": "array<struct<x: array<struct<y: bigint>>>>"}),
        ([None, b"", b"[1]", b"nonsense", b"\xff", b'{"a": 1}'], {"a": "bigint"}),
    ],
)
def test_columns(values: list[bytes | None], columns: dict[str, str]) -> None:
    assert infer(values) == columns


def test_only_the_first_records_are_looked_at() -> None:
    assert infer([b'{"a": 1}', b'{"b": 1}'], records_max=1) == {"a": "bigint"}


def test_a_table_has_its_key_and_its_times_whatever_its_records_are() -> None:
    table = Table(topic="t", key="id", valid_from="since")
    assert infer_table([b'{"id": ["a"], "since": "2026-01-01", "n": 1}'], table) == {
        "id": "string",
        "since": "timestamp",
        "n": "bigint",
    }
    assert infer_table([], table) == {"id": "string", "since": "timestamp"}


def test_nesting_has_an_end() -> None:
    assert infer([b'{"a": ' + b"[" * 50 + b"1" + b"]" * 50 + b"}"]) == {}


NAMES = st.sampled_from(["a", "A", "b", "c d", "é", "order", "`", ""])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=4).map(msgspec.json.encode), max_size=5))
def test_records_fit_the_columns_inferred_from_them(values: list[bytes]) -> None:
    reader = JsonReader({name: parse_type(text) for name, text in infer(values).items()})
    for value in values:
        assert not isinstance(reader.read(None, value, None, 0), Refusal)


@given(st.lists(st.binary()))
def test_no_bytes_raise(values: list[bytes]) -> None:
    infer(values)
