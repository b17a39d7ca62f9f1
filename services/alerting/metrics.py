"""All metrics of alerting."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.common.metrics import LATENCY_BUCKETS_S, StreamMetrics
from sightline.alerts.decide import Decision
from sightline.alerts.rules import Rule
from sightline.events import Reason

STAGES = ("publish", "alert")


class Metrics(StreamMetrics):
    """Label children are bound once: on the hot path a metric costs one call."""

    def __init__(self, rules: list[Rule], registry: CollectorRegistry) -> None:
        super().__init__(registry)
        alerts = Counter("sightline_alerts_total", "Decisions by outcome", ["rule", "outcome"], registry=registry)
        whole = Histogram(
            "sightline_event_to_alert_seconds",
            "From the event's time to the decision to alert",
            ["pipeline", "rule"],
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.sessions_lost = Counter(
            "sightline_sessions_lost_total", "Times the consumer group was joined anew", registry=registry
        )
        self.subscribers = Gauge("sightline_subscribers", "Open subscriptions, pages included", registry=registry)
        self.decision = {(rule.name, each): alerts.labels(rule.name, each.value) for rule in rules for each in Decision}
        self.event_to_alert = {rule.name: whole.labels(rule.pipeline, rule.name) for rule in rules}
        pipelines = {rule.pipeline for rule in rules}
        for name in pipelines:
            self.expect_dead_letters(name, [Reason.BAD_MATCH])
        self.stage = {(name, each): self.stage_seconds.labels(name, each) for name in pipelines for each in STAGES}
