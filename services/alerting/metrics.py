"""All metrics of alerting."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.common.metrics import LATENCY_BUCKETS_S
from sightline.alerts.decide import Decision
from sightline.alerts.rules import Rule

STAGES = ("publish", "alert")


class Metrics:
    """Label children are bound once: on the hot path a metric costs one call."""

    def __init__(self, rules: list[Rule], registry: CollectorRegistry) -> None:
        alerts = Counter("sightline_alerts_total", "Decisions by outcome", ["rule", "outcome"], registry=registry)
        whole = Histogram(
            "sightline_event_to_alert_seconds",
            "From the event's time to the decision to alert",
            ["pipeline", "rule"],
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        stages = Histogram(
            "sightline_stage_seconds",
            "Time of an event in each stage",
            ["pipeline", "stage"],
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self._dead = Counter(
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
            "sightline_clock_skew_total", "Matches from a clock ahead of ours, clamped to now", registry=registry
        )
        self.sessions_lost = Counter(
            "sightline_sessions_lost_total", "Times the consumer group was joined anew", registry=registry
        )
        self.subscribers = Gauge("sightline_subscribers", "Open subscriptions, pages included", registry=registry)
        self.decision = {(rule.name, each): alerts.labels(rule.name, each.value) for rule in rules for each in Decision}
        self.event_to_alert = {rule.name: whole.labels(rule.pipeline, rule.name) for rule in rules}
        pipelines = {rule.pipeline for rule in rules}
        self.stage = {(name, each): stages.labels(name, each) for name in pipelines for each in STAGES}

    def dead_letter(self, pipeline: str, reason: str) -> None:
        self._dead.labels(pipeline, reason).inc()

    def lag(self, pipeline: str, partition: int, records: int) -> None:
        self._lag.labels(pipeline, str(partition)).set(records)

    def forget_lag(self, pipeline: str, partition: int) -> None:
        """The partition is no longer ours."""
        self._lag.remove(pipeline, str(partition))
