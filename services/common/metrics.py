"""Metrics that more than one service exports under the same name, so that a dashboard can add them up."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# From 0.5 ms, where an alert can be, to 30 s, where something is stuck.
LATENCY_BUCKETS_S = (
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03,
    0.05, 0.075, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30,
)  # fmt: skip


class StreamMetrics:
    """Of a service that reads a topic."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.stage_seconds = Histogram(
            "sightline_stage_seconds",
            "Time of an event in each stage",
            ["pipeline", "stage"],
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self._dead_letters = Counter(
            "sightline_dead_letters_total",
            "Records sent to the dead-letter topic",
            ["pipeline", "reason"],
            registry=registry,
        )
        self._lag = Gauge(
            "sightline_consumer_lag_records", "Records not yet read", ["pipeline", "partition"], registry=registry
        )
        self.skipped = Counter(
            "sightline_skipped_records_total", "Records that expired before they were read", registry=registry
        )
        self.clock_skew = Counter(
            "sightline_clock_skew_total", "Records from a clock ahead of ours, clamped to now", registry=registry
        )

    def dead_letter(self, pipeline: str, reason: str) -> None:
        self._dead_letters.labels(pipeline, reason).inc()

    def lag(self, pipeline: str, partition: int, records: int) -> None:
        self._lag.labels(pipeline, str(partition)).set(records)

    def forget_lag(self, pipeline: str, partition: int) -> None:
        """The partition is no longer ours."""
        self._lag.remove(pipeline, str(partition))
