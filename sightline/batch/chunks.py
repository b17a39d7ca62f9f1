"""Rows on their way into a query, some thousands at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from sightline.events import Event, Headers, Reason, Refusal
from sightline.formats.reader import RecordBatch, RecordLike, RowReader
from sightline.query.compiling.query import Query
from sightline.query.errors import EvalError


class Record(NamedTuple):
    """One record that came from no topic. `timestamp_ms` is the file's."""

    key: bytes | None
    value: bytes | None
    headers: Headers | None
    timestamp_ms: int


class Chunk(NamedTuple):
    """Consecutive rows of one partition; a row is None where `refusals` says why.

    `record(index)` is the row as it came, `where(index)` names it for a person. `bytes` is how much input it was.
    """

    rows: list[Any]
    timestamps_ms: Sequence[int]
    offsets: Sequence[int]
    refusals: dict[int, Refusal]
    record: Callable[[int], RecordLike]
    where: Callable[[int], str]
    bytes: int = 0


Partition = Iterable[Chunk]
"""In offset order. A file is one partition."""


class Input(Protocol):
    """`bytes` is its size where that is known before it is read; `future_us_max` how far ahead times may be."""

    bytes: int | None
    future_us_max: float

    def partitions(self, reader: RowReader, needed: frozenset[str]) -> Iterator[Partition]:
        """`needed` are the columns that the query reads."""
        ...


def decoded(
    batch: RecordBatch, reader: RowReader, offsets: Sequence[int], where: Callable[[int], str], size: int
) -> Chunk:
    rows, refused = reader.read_many(batch)
    refusals = dict(refused)
    if refusals:
        good = iter(rows)
        rows = [None if index in refusals else next(good) for index in range(len(batch))]
    return Chunk(rows, batch.timestamps_ms, offsets, refusals, batch.record, where, size)


def event_times(chunk: Chunk, query: Query, future_us_max: float) -> Sequence[int]:
    """Of each row, µs; 0 for one that is refused. Rows without a good time become refused ones."""
    times = _at_once(chunk, query)
    if times is None:
        times = [_one(chunk, index, query) for index in range(len(chunk.rows))]
    if future_us_max < float("inf"):
        times = _not_ahead(chunk, times, future_us_max)
    return times


def _at_once(chunk: Chunk, query: Query) -> list[int] | None:
    """None where it has to be done row by row."""
    if chunk.refusals:
        return None
    try:
        times = query.times(chunk.rows, chunk.timestamps_ms)
    except Exception:
        return None  # One row's fault.
    return None if None in times else times


def _one(chunk: Chunk, index: int, query: Query) -> int:
    if chunk.rows[index] is None:
        return 0
    try:
        (time_us,) = query.times([chunk.rows[index]], [chunk.timestamps_ms[index]])
    except EvalError as error:
        return _refuse(chunk, index, Reason.BAD_TIME, f"event_time: {error}")
    if time_us is None:
        return _refuse(chunk, index, Reason.BAD_TIME, "event_time is NULL")
    return time_us


def _not_ahead(chunk: Chunk, times: list[int], ahead_us_max: float) -> list[int]:
    """As in the stream: a time far ahead would drive the watermark. An Event was checked when it was decoded."""
    for index, row in enumerate(chunk.rows):
        ahead_us = times[index] - chunk.timestamps_ms[index] * 1000
        if row is not None and ahead_us > ahead_us_max and not isinstance(row, Event):
            allowed = f"allowed are {ahead_us_max / 1e6:g}"
            detail = f"event_time is {ahead_us / 1e6:.1f} s ahead of the record's timestamp, {allowed}"
            times[index] = _refuse(chunk, index, Reason.FUTURE_TIME, detail)
    return times


def _refuse(chunk: Chunk, index: int, reason: Reason, detail: str) -> int:
    chunk.rows[index] = None
    chunk.refusals[index] = Refusal(reason, detail)
    return 0
