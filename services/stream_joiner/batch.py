"""A batch of one partition's records on its way: decoded, with event times, scanned up to some index."""

import time
from collections.abc import Sequence

from services.stream_joiner.parts import Parts
from sightline.events import Event
from sightline.formats.cloudevents import CloudEventReader
from sightline.formats.timed import Records, timed_rows
from sightline.io.records import Batch
from sightline.query.runtime.columns import Columns


class HeldBatch:
    """`rows`, `times_us` and `refusals` are those of `TimedRows`. `events` are the rows where they are CloudEvents."""

    def __init__(self, batch: Batch, polled_us: int, parts: Parts) -> None:
        self.batch, self.polled_us = batch, polled_us
        self.polled_s = time.monotonic()
        self.index = 0
        self.offsets: Sequence[int] = batch.offsets
        timed = timed_rows(Records(parts.reader, batch), batch, parts.query, parts.limits.future_us_max)
        self.rows, self.times_us, self.refusals = timed.rows, timed.times_us, timed.refusals
        self._newest_us = timed.newest_us
        self.events: Sequence[Event | None] | None = None
        if isinstance(parts.reader, CloudEventReader) and isinstance(self.rows, list):
            self.events = self.rows
            parts.metrics.missing_time.inc(sum(1 for each in self.rows if each is not None and each.time_missing))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def bytes(self) -> int:
        """Of the records' values; and of the copy that columns keep, whose strings are made when they are asked for."""
        return self.batch.bytes * (2 if isinstance(self.rows, Columns) else 1)

    @property
    def next_offset(self) -> int:
        """The offset after the last record that was looked at."""
        return self.offsets[self.index - 1] + 1 if self.index else self.offsets[0]

    def newest_us(self, first: int) -> int:
        """The newest event time of the rows looked at, from the index `first` on; there is at least one."""
        whole = first == 0 and self.index == len(self)
        return self._newest_us if whole else max(self.times_us[first : self.index])
