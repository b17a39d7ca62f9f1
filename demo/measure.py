"""What the services count about themselves, read from /metrics as Prometheus would."""

from collections import Counter
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from demo.stage import Service

JOINED = ("matched", "rejected", "filtered_joined")
"""Outcomes of events that found their place."""


class Counts(NamedTuple):
    """Since the services started."""

    by_outcome: Counter[str]
    images_scored: int

    @property
    def finished(self) -> int:
        return self.by_outcome.total()

    @property
    def joined(self) -> int:
        return sum(self.by_outcome[outcome] for outcome in JOINED)

    def since(self, earlier: "Counts") -> "Counts":
        return Counts(self.by_outcome - earlier.by_outcome, self.images_scored - earlier.images_scored)


def read(joiner: Service, featurizer: Service) -> Counts:
    by_outcome = {labels["outcome"]: value for labels, value in _samples(joiner, "sightline_events_total")}
    scored = sum(value for _, value in _samples(featurizer, "sightline_batch_rows_sum"))
    return Counts(Counter({outcome: int(value) for outcome, value in by_outcome.items()}), int(scored))


def _samples(service: Service, name: str) -> list[tuple[dict[str, str], float]]:
    status, text = service.get("/metrics")
    if status != 200:
        raise ConnectionError(f"{service.url}/metrics: {status or text}")
    return [
        (sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    ]
