"""What is done with columns: the same in C and in Python, for lists and for strings that are not made yet."""

import importlib.util
import json
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.compiled import NATIVE_VARIABLE
from sightline.formats.json import JsonReader
from sightline.io.records import Raw, RawBatch
from sightline.query.runtime import vectors
from sightline.query.types import STRING

READER = JsonReader({"s": STRING})
TEXTS = st.lists(st.sampled_from(["", "a", "view", "view", "ü", "view ", "x" * 70, "Ü", None]), min_size=1, max_size=9)
WHOLE = st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3), min_size=1, max_size=9)
MIXED = st.lists(st.none() | st.booleans() | st.integers(0, 2) | st.floats(0, 1), min_size=1, max_size=9)


@pytest.fixture(scope="module")
def python() -> ModuleType:
    """The module without C."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(NATIVE_VARIABLE, "0")
        spec = importlib.util.spec_from_file_location("python_vectors", vectors.__file__)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def test_what_was_built_is_used() -> None:
    built = pytest.importorskip("sightline.query.runtime._vectors")
    names = [name for name in vars(built) if not name.startswith("_")]
    assert names
    assert all(getattr(vectors, name) is getattr(built, name) for name in names)


def columns(values: list[Any]) -> list[Any]:
    """The same values as a list, and where they are strings as they are decoded."""
    if not all(each is None or isinstance(each, str) for each in values):
        return [values]
    lines = [json.dumps({"s": each}, ensure_ascii=False).encode() for each in values]
    decoded = READER.read_columns(RawBatch("t", 0, [Raw(None, each, [], 0, at) for at, each in enumerate(lines)]))
    assert decoded is not None
    return [values, decoded.fields["c0"]]


def test_c_is_there() -> None:
    assert type(vectors.list_take).__name__ == "builtin_function_or_method"
    assert vectors.running_max in vectors.FUNCTIONS


@given(TEXTS | WHOLE | MIXED, st.data())
def test_equal_take_and_rest(python: ModuleType, values: list[Any], data: st.DataObject) -> None:
    wanted = data.draw(st.sampled_from([each for each in [*values, "view", "ü", 1, 1.0, True] if each is not None]))
    first = data.draw(st.integers(0, len(values)))
    indexes = data.draw(st.lists(st.integers(0, len(values) - 1)))
    for column in columns(values):
        found = vectors.equal(column, wanted, first)
        assert found == python.equal(values, wanted, first)
        assert vectors.take(column, indexes) == python.take(values, indexes)
        assert vectors.rest(column, first) == python.rest(values, first) == values[first:]
        assert [vectors.before(found, at) for at in (first, len(values))] == [0, len(found)]


@given(TEXTS | MIXED)
def test_repeated(python: ModuleType, values: list[Any]) -> None:
    for column in columns(values):
        for repeated, of in ((vectors.repeated, column), (python.repeated, values)):
            calls: list[Any] = []

            def called(value: Any, calls: list[Any] = calls) -> str:
                calls.append(value)
                return repr(value)

            assert repeated(called, of) == [text for _, text in neighbours(values)]
            assert calls == [each for at, each in enumerate(values) if not at or each != values[at - 1]]


def neighbours(values: list[Any]) -> list[tuple[Any, str]]:
    """Each value, and what is shown of the first of its neighbours that equal it."""
    shown: list[tuple[Any, str]] = []
    for each in values:
        same = shown and shown[-1][0] == each
        shown.append((each, shown[-1][1] if same else repr(each)))
    return shown


@given(WHOLE, st.integers(-(2**63), 2**63 - 1), st.data())
def test_running_max(python: ModuleType, values: list[int], top: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(values)))
    expected = [max([top, *values[first : at + 1]]) for at in range(len(values))]
    assert vectors.running_max(values, top, first) == python.running_max(values, top, first) == expected
    assert vectors.largest(values) == python.largest(values) == max(values)


@pytest.mark.parametrize("values", [["a"], [1]])
def test_what_is_wrong_raises(python: ModuleType, values: list[Any]) -> None:
    def fails(value: object) -> None:
        raise ValueError(f"no good: {value}")

    for column in columns(values):
        with pytest.raises(ValueError, match="no good"):
            vectors.repeated(fails, column)
        for index in (1, -1):
            with pytest.raises(IndexError):
                vectors.take(column, [0, index])
    for largest in (vectors.largest, python.largest):
        with pytest.raises(ValueError):
            largest([])
        for bad in list[list[Any]]([[1, None], [None]]):
            with pytest.raises(TypeError):
                largest(bad)
    with pytest.raises(OverflowError):
        vectors.running_max([2**63], 0, 0)
