"""What the services count about themselves, read from /metrics as Prometheus would."""

from collections import Counter
from typing import NamedTuple

from tools.services import Service

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
    by_outcome = {labels["outcome"]: value for labels, value in joiner.samples("sightline_events_total")}
    scored = int(featurizer.metric("sightline_batch_rows_sum"))
    return Counts(Counter({outcome: int(value) for outcome, value in by_outcome.items()}), scored)
