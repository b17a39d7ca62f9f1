"""A batch of one partition's records on its way: decoded, with event times, scanned up to some index."""

import time
from collections.abc import Sequence
from typing import Any

from services.stream_joiner.parts import Parts
from sightline.events import Event, Reason, Refusal
from sightline.formats.cloudevents import CloudEventReader
from sightline.io.records import Batch
from sightline.query.errors import EvalError


class HeldBatch:
    """`rows` and `times_us` are by index of the batch; a row is None where the record is refused."""

    def __init__(self, batch: Batch, polled_us: int, parts: Parts) -> None:
        self.batch, self.polled_us = batch, polled_us
        self.polled_s = time.monotonic()
        self.index = 0
        self.offsets: Sequence[int] = batch.offsets
        self.refusals: dict[int, Refusal] = {}
        self.rows = self._decode(parts)
        self.times_us: Sequence[int] = self._times(parts)
        self._check_future(parts.limits.future_us_max)
        if isinstance(parts.reader, CloudEventReader):
            parts.metrics.missing_time.inc(sum(1 for each in self.rows if each is not None and each.time_missing))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def next_offset(self) -> int:
        """The offset after the last record that was looked at."""
        return self.offsets[self.index - 1] + 1 if self.index else self.offsets[0]

    def newest_us(self, first: int) -> int:
        """The newest event time of the rows looked at, from the index `first` on; there is at least one."""
        whole = first == 0 and self.index == len(self.rows)
        return self._newest_us if whole else max(self.times_us[first : self.index])

    def _decode(self, parts: Parts) -> Sequence[Any]:
        rows, refusals = parts.reader.read_many(self.batch)
        if not refusals:
            return rows
        self.refusals = dict(refusals)
        good = iter(rows)
        return [None if index in self.refusals else next(good) for index in range(len(self.batch))]

    def _times(self, parts: Parts) -> Sequence[int]:
        if not self.refusals:
            try:
                times = parts.query.times(self.rows, self.batch.timestamps_ms if parts.query.by_timestamp else ())
                self._newest_us = max(times)  # fails where one of them is NULL
                return times
            except Exception:
                pass  # One row's fault: found below.
        timestamps = self.batch.timestamps_ms
        times = [self._time(index, parts, timestamps[index]) for index in range(len(self.rows))]
        self._newest_us = max(times)
        return times

    def _time(self, index: int, parts: Parts, timestamp_ms: int) -> int:
        """One row's event time; the row is refused where there is none."""
        if self.rows[index] is None:
            return 0
        try:
            (time_us,) = parts.query.times([self.rows[index]], [timestamp_ms])
        except EvalError as error:
            return self._refuse(index, Refusal(Reason.BAD_TIME, f"event_time: {error}"))
        if time_us is None:
            return self._refuse(index, Refusal(Reason.BAD_TIME, "event_time is NULL"))
        return time_us

    def _check_future(self, ahead_us_max: int) -> None:
        """A time far ahead would drive the watermark."""
        if isinstance(self.rows[0], Event):
            return  # An Event was checked when it was decoded.
        if self._newest_us <= self.batch.timestamp_ms_min * 1000 + ahead_us_max:
            return
        timestamps = self.batch.timestamps_ms
        for index, (time_us, timestamp_ms) in enumerate(zip(self.times_us, timestamps, strict=True)):
            ahead_us = time_us - timestamp_ms * 1000
            if ahead_us > ahead_us_max and self.rows[index] is not None:
                allowed = f"allowed are {ahead_us_max / 1e6:g}"
                detail = f"event_time is {ahead_us / 1e6:.1f} s ahead of the record's timestamp, {allowed}"
                self._refuse(index, Refusal(Reason.FUTURE_TIME, detail))
        self._newest_us = max(self.times_us)

    def _refuse(self, index: int, refusal: Refusal) -> int:
        if not isinstance(self.rows, list):
            self.rows = list(self.rows)
        self.rows[index] = None
        self.refusals[index] = refusal
        if isinstance(getattr(self, "times_us", None), list):
            self.times_us[index] = 0  # type: ignore[index]
        return 0
