"""A range of a topic as text."""

import pytest

from sightline.errors import ConfigError
from sightline.io.topic_range import Bound, TopicRange, parse

NOON_MS = 1_769_860_800_000


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("t@[,]", None, None),
        ("t@[100,200)", Bound(100, False), Bound(200, False)),
        ("t@(100, 200]", Bound(101, False), Bound(201, False)),
        ("t@[2026-01-31T12:00:00Z,)", Bound(NOON_MS, True), None),
        ("t@(,2026-01-31T13:00:00+01:00]", None, Bound(NOON_MS + 1, True)),
        ("t@[2026-01-31T12:00:00.0001Z,)", Bound(NOON_MS + 1, True), None),
    ],
)
def test_ranges(text: str, first: Bound | None, after: Bound | None) -> None:
    assert parse(text) == TopicRange("t", first, after)


@pytest.mark.parametrize("text", ["t", "clicks.jsonl", "t@100-200", "t@[1,2,3]", "a/b@[1,2]"])
def test_what_is_no_range(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("text", ["t@[noon,)", "t@[-1,)", "t@[2026-01-31,)"])
def test_ends_that_are_neither_offset_nor_time(text: str) -> None:
    with pytest.raises(ConfigError, match="neither an offset nor a time"):
        parse(text)
