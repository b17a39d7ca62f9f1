"""What the tasks of all partitions share."""

from collections.abc import Mapping
from typing import NamedTuple

from services.stream_joiner.live_table import LiveTable
from services.stream_joiner.metrics import Metrics
from services.stream_joiner.outcomes import Outcomes
from services.stream_joiner.scoring import Scoring
from services.stream_joiner.sink import Sink
from services.stream_joiner.window_stage import Emitter
from sightline.formats.reader import RowReader
from sightline.query.compiling.query import Bound, Query
from sightline.query.pipeline import Pipeline


class Tables:
    """The tables of the query, as its scans see them."""

    def __init__(self, tables: Mapping[str, LiveTable], wait_s_max: float) -> None:
        self._tables, self._wait_s_max = list(tables.values()), wait_s_max

    def refresh(self) -> None:
        """What is committed now is seen from now on."""
        for each in self._tables:
            each.rows.refresh()

    def complete(self, polled_s: float, now_s: float) -> bool:
        """The tables hold all that was there when an event was polled, or it has waited long enough."""
        for each in self._tables:
            if each.complete_since < polled_s:
                return now_s - polled_s >= self._wait_s_max
        return True

    def request_check(self, polled_s: float) -> None:
        for each in self._tables:
            each.request_check(polled_s)


class Limits(NamedTuple):
    """Of one partition; past one of them it rests.

    `open_events_max`: events that may have to be scored; `all_events_max`: with those whose outcome needs no model.
    """

    open_events_max: int
    all_events_max: int
    open_bytes_max: int
    future_us_max: int


class Parts(NamedTuple):
    pipeline: Pipeline
    query: Query
    bound: Bound
    reader: RowReader
    tables: Tables
    outcomes: Outcomes
    sink: Sink
    metrics: Metrics
    limits: Limits
    scoring: Scoring | None
    emitter: Emitter | None
