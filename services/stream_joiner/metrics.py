"""All metrics of the stream joiner."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.common.metrics import StreamMetrics
from sightline.events import Reason

OUTCOMES = ("matched", "rejected", "filtered", "filtered_joined", "no_match", "windowed", "late", "dead_letter")
"""matched: a row came out; rejected: scored, and no row; filtered: by a predicate before or after the join;
windowed: its rows went into windows."""

STAGES = ("ingest", "join", "featurize")


class Metrics(StreamMetrics):
    """Of one pipeline. Label children are bound once: on the hot path a metric costs one call."""

    def __init__(self, pipeline: str, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self.pipeline = pipeline
        self.expect_dead_letters(pipeline, Reason)
        events = Counter("sightline_events_total", "Events by outcome", ["pipeline", "outcome"], registry=registry)
        watermark = Gauge(
            "sightline_watermark_lag_seconds", "Now less the newest event time", ["pipeline"], registry=registry
        )
        self.outcome = {each: events.labels(pipeline, each) for each in OUTCOMES}
        self.stage = {each: self.stage_seconds.labels(pipeline, each) for each in STAGES}
        self._watermark_lag = watermark.labels(pipeline)
        self._table_rows = Gauge("sightline_table_rows", "Rows of a table", ["table"], registry=registry)
        self._table_conflicts = Gauge(
            "sightline_table_key_conflicts",
            "Equal keys seen in two partitions of a table",
            ["table"],
            registry=registry,
        )
        self._table_reloads = Counter(
            "sightline_table_reloads_total",
            "Times that a table's file had changed, by outcome: loaded or refused",
            ["table", "outcome"],
            registry=registry,
        )
        self.late = Counter(
            "sightline_late_rows_total", "Rows that came after their window was closed", ["pipeline"], registry=registry
        ).labels(pipeline)
        self.windows = Counter(
            "sightline_windows_total", "Rows of windows that were emitted", ["pipeline"], registry=registry
        ).labels(pipeline)
        self.other_engine = Counter(
            "sightline_other_engine_answers_total",
            "Answers not taken, of another engine or model version than the first, where the pipeline allows no change",
            ["pipeline"],
            registry=registry,
        ).labels(pipeline)
        self._state_keys = Gauge(
            "sightline_window_state_keys", "Groups of open windows held", ["pipeline"], registry=registry
        ).labels(pipeline)
        self._fallback = Counter(
            "sightline_featurizer_fallback_total",
            "Images sent to another pool of featurizers than the preferred one",
            ["pipeline", "pool"],
            registry=registry,
        )
        self.missing_time = Counter(
            "sightline_missing_time_total", "Events without ce_time, given the record's timestamp", registry=registry
        )

    def table_reloaded(self, name: str, outcome: str) -> None:
        self._table_reloads.labels(name, outcome).inc()

    def fell_back(self, pool: str, images: int) -> None:
        self._fallback.labels(self.pipeline, pool).inc(images)

    # What is read when Prometheus asks.

    def observe_table(self, name: str, rows: Callable[[], float], conflicts: Callable[[], float]) -> None:
        self._table_rows.labels(name).set_function(rows)
        self._table_conflicts.labels(name).set_function(conflicts)

    def observe_state(self, keys: Callable[[], float]) -> None:
        self._state_keys.set_function(keys)

    def observe_newest(self, time_us: Callable[[], int]) -> None:
        """`time_us`: the newest event's, 0 before the first."""
        self._watermark_lag.set_function(lambda: time.time() - newest / 1e6 if (newest := time_us()) else 0.0)
