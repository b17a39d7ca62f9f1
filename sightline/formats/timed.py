"""The rows of a batch with their event times, which drive the watermark: the same in a stream and over files.

A row without a time, or with one far ahead of its record's, is refused.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from sightline.events import Event, Reason, Refusal
from sightline.formats.reader import RecordBatch, RowReader, read_rows
from sightline.query.compiling.query import Query
from sightline.query.errors import EvalError
from sightline.query.runtime.columns import Columns
from sightline.query.runtime.vectors import largest

COLUMNS_RECORDS_MIN = 8
"""Fewer cost less as rows: one alone, decoded and joined with a table, 3.4 µs instead of 4.3."""


class Source(Protocol):
    """What rows come from."""

    def columns(self) -> Columns | None:
        """None where rows have to be made, or cost less."""
        ...

    def rows(self) -> tuple[list[Any], dict[int, Refusal]]:
        """A row for each record, None where it is refused, and the refusals by index."""
        ...


class Records(msgspec.Struct, frozen=True):
    """A `Source`."""

    reader: RowReader
    batch: RecordBatch

    def columns(self) -> Columns | None:
        return self.reader.read_columns(self.batch) if len(self.batch) >= COLUMNS_RECORDS_MIN else None

    def rows(self) -> tuple[list[Any], dict[int, Refusal]]:
        return read_rows(self.reader, self.batch)


class Stamps(Protocol):
    """Of the batch's records."""

    @property
    def timestamps_ms(self) -> Sequence[int]: ...

    @property
    def timestamp_ms_min(self) -> int: ...


class TimedRows(msgspec.Struct, frozen=True):
    """By index; a refused row is None and its time 0. `Columns` only where none is refused."""

    rows: list[Any] | Columns
    times_us: Sequence[int]
    newest_us: int
    refusals: dict[int, Refusal]


def timed_rows(source: Source, stamps: Stamps, query: Query, ahead_us_max: float) -> TimedRows:
    """By columns where that can be: no model of the query asks for a row, and each row has a good time."""
    columns = None if query.plan.models else source.columns()
    if columns is not None and (found := _at_once(columns, stamps, query, ahead_us_max)):
        return found
    rows, refusals = source.rows()
    if not refusals and (found := _at_once(rows, stamps, query, ahead_us_max)):
        return found
    times = []
    for index, (row, timestamp_ms) in enumerate(zip(rows, stamps.timestamps_ms, strict=True)):
        time_us = 0 if row is None else _time(row, timestamp_ms, query, ahead_us_max)
        if isinstance(time_us, Refusal):
            rows[index], refusals[index], time_us = None, time_us, 0
        times.append(time_us)
    return TimedRows(rows, times, max(times, default=0), refusals)


def _at_once(rows: list[Any] | Columns, stamps: Stamps, query: Query, ahead_us_max: float) -> TimedRows | None:
    """None where that is not all there is to it."""
    try:
        times = query.times(rows, stamps.timestamps_ms if query.by_timestamp else ())
        newest_us = largest(times)  # fails where one of them is NULL
    except Exception:
        return None  # One row's fault.
    if newest_us > stamps.timestamp_ms_min * 1000 + ahead_us_max:
        return None
    return TimedRows(rows, times, newest_us, {})


def _time(row: Any, timestamp_ms: int, query: Query, ahead_us_max: float) -> int | Refusal:
    try:
        (time_us,) = query.times([row], [timestamp_ms])
    except EvalError as error:
        return Refusal(Reason.BAD_TIME, f"event_time: {error}")
    if time_us is None:
        return Refusal(Reason.BAD_TIME, "event_time is NULL")
    ahead_us = time_us - timestamp_ms * 1000
    if ahead_us > ahead_us_max and not isinstance(row, Event):  # an Event was checked when it was decoded
        allowed = f"allowed are {ahead_us_max / 1e6:g}"
        detail = f"event_time is {ahead_us / 1e6:.1f} s ahead of the record's timestamp, {allowed}"
        return Refusal(Reason.FUTURE_TIME, detail)
    return int(time_us)
