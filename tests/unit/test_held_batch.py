"""The event times of a batch, which drive the watermark, and its bytes."""

from types import SimpleNamespace
from typing import Any

import pytest

from services.stream_joiner.batch import HeldBatch
from sightline.events import Reason
from sightline.formats.json import JsonReader
from sightline.formats.timed import COLUMNS_RECORDS_MIN
from sightline.io.records import Raw, RawBatch
from sightline.query.runtime.columns import Columns
from sightline.query.runtime.vectors import rest
from sightline.query.types import BIGINT

NOW_MS = 1_790_000_000_000

# Few records are decoded as rows, more as columns where that can be.
few_and_more = pytest.mark.parametrize("more", [(), (1,) * COLUMNS_RECORDS_MIN], ids=["few", "more"])


def times(rows: list[Any] | Columns, _: Any) -> list[Any]:
    return list(rest(rows.fields["c0"], 0)) if isinstance(rows, Columns) else [row.c0 for row in rows]


def held(*times_us: int | None) -> HeldBatch:
    values = [b'{"t": null}' if each is None else b'{"t": %d}' % each for each in times_us]
    batch = RawBatch("events", 0, [Raw(None, value, [], NOW_MS, offset) for offset, value in enumerate(values)])
    plan = SimpleNamespace(models=())
    query = SimpleNamespace(plan=plan, by_timestamp=False, times=times)
    limits = SimpleNamespace(future_us_max=1_000_000)
    parts: Any = SimpleNamespace(reader=JsonReader({"t": BIGINT}), query=query, limits=limits)
    return HeldBatch(batch, NOW_MS * 1000, parts)


@few_and_more
def test_the_newest_of_those_looked_at(more: tuple[int, ...]) -> None:
    batch = held(5, 9, 7, 3, *more)
    assert isinstance(batch.rows, Columns) is bool(more)
    batch.index = 4
    assert [batch.newest_us(first) for first in range(4)] == [9, 9, 7, 3]
    batch.index = 1
    assert batch.newest_us(0) == 5


@few_and_more
def test_its_bytes_are_those_of_the_values_and_of_what_columns_keep(more: tuple[int, ...]) -> None:
    batch = held(5, 9, *more)
    assert batch.bytes == len(b'{"t": 5}') * (2 + len(more)) * (2 if more else 1)


@few_and_more
def test_a_time_far_ahead_is_refused_and_is_not_the_newest(more: tuple[int, ...]) -> None:
    ahead_us = NOW_MS * 1000 + 2_000_000
    batch = held(5, ahead_us, 7, *more)
    batch.index = 3
    assert batch.newest_us(0) == 7
    assert {index: each.reason for index, each in batch.refusals.items()} == {1: Reason.FUTURE_TIME}


@few_and_more
def test_a_row_without_a_time_is_refused_and_leaves_the_others(more: tuple[int, ...]) -> None:
    batch = held(5, None, 7, *more)
    batch.index = 3
    assert batch.newest_us(0) == 7
    assert {index: each.reason for index, each in batch.refusals.items()} == {1: Reason.BAD_TIME}


@pytest.mark.parametrize("count", [1, COLUMNS_RECORDS_MIN])
def test_a_row_without_a_time_may_be_alone(count: int) -> None:
    refusals = held(*[None] * count).refusals
    assert {index: each.reason for index, each in refusals.items()} == dict.fromkeys(range(count), Reason.BAD_TIME)
