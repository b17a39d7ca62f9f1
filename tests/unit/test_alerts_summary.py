"""Summaries: whatever a match carries, a line comes out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.alerts.summary import SUMMARY_CHARS_MAX, Summary


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("{label} at {place}", {"label": "moped", "place": "Pier 7"}, "moped at Pier 7"),
        ("{score:.2f}", {"score": 0.5321}, "0.53"),
        ("{score:.0%}", {"score": 0.5321}, "53%"),
        ("{n:,}", {"n": 12345}, "12,345"),
        ("{label:>6}|", {"label": "cat"}, "   cat|"),
        ("{{{label}}}", {"label": "cat"}, "{cat}"),
        ("{label}", {}, "‹label›"),
        ("{score:.2f}", {}, "‹score›"),
        ("{score:.2f}", {"score": None}, "–"),
        ("{score:.2f}", {"score": "high"}, "high"),
        ("{label:>6}", {"label": ["a", {"b": 1}]}, "['a', {'b': 1}]"),
        ("{label}", {"label": "{place}", "place": "Pier 7"}, "{place}"),
        ("all quiet", {}, "all quiet"),
    ],
)
def test_fill(text: str, columns: dict[str, Any], expected: str) -> None:
    assert Summary(text).fill(columns) == expected


def test_a_summary_is_bounded() -> None:
    filled = Summary("{label}").fill({"label": "x" * 10_000})
    assert len(filled) == SUMMARY_CHARS_MAX
    assert filled.endswith("…")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(json_values, st.sampled_from(["", ".2f", ">10", "d", "x", ",", ".1%", "s", "05.1f", "e"]))
def test_any_value_under_any_format(value: Any, spec: str) -> None:
    assert len(Summary(f"{{label:{spec}}}").fill({"label": value})) <= SUMMARY_CHARS_MAX


@given(st.text())
def test_any_text_is_refused_in_words_or_works(text: str) -> None:
    try:
        summary = Summary(text)
    except ValueError as error:
        assert str(error)
    else:
        assert isinstance(summary.fill({}), str)
