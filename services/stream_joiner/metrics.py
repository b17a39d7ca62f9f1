"""All metrics of the stream joiner."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.common.metrics import LATENCY_BUCKETS_S

if TYPE_CHECKING:
    from services.stream_joiner.pipeline import JoinPipeline
    from services.stream_joiner.tables import TableReader

OUTCOMES = ("matched", "rejected", "filtered", "filtered_joined", "no_match", "dead_letter")
"""matched: a row came out; rejected: scored, and no row; filtered: by a predicate before or after the join."""

STAGES = ("ingest", "join", "featurize")


class Metrics:
    """Label children are bound once: on the hot path a metric costs one call."""

    def __init__(self, pipeline: str, registry: CollectorRegistry) -> None:
        events = Counter("sightline_events_total", "Events by outcome", ["pipeline", "outcome"], registry=registry)
        stages = Histogram(
            "sightline_stage_seconds",
            "Time of an event in each stage",
            ["pipeline", "stage"],
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        dead = Counter(
            "sightline_dead_letters_total",
            "Records sent to the dead-letter topic",
            ["pipeline", "reason"],
            registry=registry,
        )
        lag = Gauge(
            "sightline_consumer_lag_records", "Records not yet read", ["pipeline", "partition"], registry=registry
        )
        watermark = Gauge(
            "sightline_watermark_lag_seconds", "Now less the newest event time", ["pipeline"], registry=registry
        )
        self.outcome = {each: events.labels(pipeline, each) for each in OUTCOMES}
        self.stage = {each: stages.labels(pipeline, each) for each in STAGES}
        self._watermark_lag = watermark.labels(pipeline)
        self.skipped = Counter(
            "sightline_skipped_records_total", "Records that expired before they were read", registry=registry
        )
        self.clock_skew = Counter(
            "sightline_clock_skew_total", "Events from a clock ahead of ours, clamped to now", registry=registry
        )
        self._table_rows = Gauge("sightline_table_rows", "Rows of a table", ["table"], registry=registry)
        self._table_conflicts = Gauge(
            "sightline_table_key_conflicts",
            "Equal keys seen in two partitions of a table",
            ["table"],
            registry=registry,
        )
        self.missing_time = Counter(
            "sightline_missing_time_total", "Events without ce_time, given the record's timestamp", registry=registry
        )
        self._dead, self._lag, self._pipeline = dead, lag, pipeline

    def dead_letter(self, reason: str) -> None:
        self._dead.labels(self._pipeline, reason).inc()

    def observe(self, tables: "dict[str, TableReader]", join: "JoinPipeline", now_us: Callable[[], int]) -> None:
        """What is read when Prometheus asks."""
        for name, table in tables.items():
            self._table_rows.labels(name).set_function(table.row_count)
            self._table_conflicts.labels(name).set_function(table.conflict_count)
        self._watermark_lag.set_function(lambda: (now_us() - join.newest_time_us) / 1e6 if join.newest_time_us else 0.0)

    def lag(self, partition: int, records: int | None) -> None:
        """None: the partition is no longer ours."""
        if records is None:
            self._lag.remove(self._pipeline, str(partition))
        else:
            self._lag.labels(self._pipeline, str(partition)).set(records)
