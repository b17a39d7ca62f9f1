"""Metrics that more than one service exports under the same name, so that a dashboard can add them up."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

# From 0.5 ms, where an alert can be, to 30 s, where something is stuck.
LATENCY_BUCKETS_S = (
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03,
    0.05, 0.075, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30,
)  # fmt: skip


class Latency:
    """Of one label set: counts by bucket. Observed by one thread."""

    def __init__(self) -> None:
        self.counts = [0] * (len(LATENCY_BUCKETS_S) + 1)
        self.sum_s = 0.0

    def observe(self, seconds: float, times: int = 1) -> None:
        self.counts[bisect_left(LATENCY_BUCKETS_S, seconds)] += times
        self.sum_s += seconds * times

    def observe_all(self, seconds: Sequence[float]) -> None:
        """At least one; those that arrived together often fall into one bucket."""
        least = bisect_left(LATENCY_BUCKETS_S, min(seconds))
        if least == bisect_left(LATENCY_BUCKETS_S, max(seconds)):
            self.counts[least] += len(seconds)
        else:
            for each in seconds:
                self.counts[bisect_left(LATENCY_BUCKETS_S, each)] += 1
        self.sum_s += sum(seconds)


class Latencies(Collector):
    """A histogram whose observation costs a tenth of prometheus_client's: it is made several times for each event."""

    def __init__(self, name: str, text: str, labels: list[str], registry: CollectorRegistry) -> None:
        self._name, self._text, self._names = name, text, labels
        self._children: dict[tuple[str, ...], Latency] = {}
        registry.register(self)

    def labels(self, *values: str) -> Latency:
        return self._children.setdefault(values, Latency())

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._text, labels=self._names)
        for values, child in list(self._children.items()):
            total, buckets = 0, list[tuple[str, float]]()
            for bound, count in zip((*map(str, map(float, LATENCY_BUCKETS_S)), "+Inf"), child.counts, strict=True):
                total += count
                buckets.append((bound, total))
            family.add_metric(values, buckets, child.sum_s)
        yield family


class StreamMetrics:
    """Of a service that reads a topic."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.stage_seconds = Latencies(
            "sightline_stage_seconds", "Time of an event in each stage", ["pipeline", "stage"], registry
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

    def expect_dead_letters(self, pipeline: str, reasons: Iterable[str]) -> None:
        """Series that begin at 0: Prometheus sees no increase in one that begins with its first dead letter."""
        for reason in reasons:
            self._dead_letters.labels(pipeline, reason)

    def dead_letter(self, pipeline: str, reason: str) -> None:
        self._dead_letters.labels(pipeline, reason).inc()

    def lag(self, pipeline: str, partition: int, records: int) -> None:
        self._lag.labels(pipeline, str(partition)).set(records)

    def forget_lag(self, pipeline: str, partition: int) -> None:
        """The partition is no longer ours."""
        self._lag.remove(pipeline, str(partition))
