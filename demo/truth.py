"""What should have alerted, found out without the pipeline: the join and the filter written again in plain Python.

Two truths. The system's: the same model, run on the very bytes sent, decides what is expected; anything else is a
fault of the system. The model's: which photograph was sent; what the network makes of it is not perfect.
Nothing of sightline.query is used here, on purpose: BOND repeats pipelines/find-bond.yaml, and a test compares them.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from demo.photos import SUBJECTS
from demo.places import PLACES
from demo.replay import Sent

# Least score of each label that means Bond.
BOND = {
    "missile": 0.25,
    "projectile": 0.25,
    "moped": 0.4,
    "motor scooter": 0.4,
    "Egyptian cat": 0.3,
    "tiger cat": 0.3,
    "tabby": 0.3,
}

_TABLE = {place.location_id: place for place in PLACES}

Score = Callable[[int], tuple[str, float]]


class Sighting(NamedTuple):
    """What an alert says."""

    place: str
    label: str
    score: float


def watched(sent: Iterable[Sent]) -> list[Sent]:
    """The events that the join and the cheap predicate leave, which are those that are scored."""
    return [event for event in sent if event.location_id in _TABLE and _TABLE[event.location_id].watched]


def expected(sent: Iterable[Sent], score: Score) -> dict[str, Sighting]:
    """Event id to what its alert must say. `score` gives label and score of a photograph by its index."""
    sightings = {}
    for event in watched(sent):
        label, probability = score(event.photo)
        if probability >= BOND.get(label, 2.0):
            sightings[event.id] = Sighting(_TABLE[event.location_id].name, label, probability)
    return sightings


class Quality(NamedTuple):
    """Of the photographs of Bond at watched places, the share that alerted; of the alerts, the share that was Bond."""

    recall: float
    precision: float


def quality(sent: Iterable[Sent], subject: Callable[[int], int], alerted: set[str]) -> Quality:
    """`subject` gives the index in SUBJECTS of a photograph. A share of nothing counts as 1."""
    bond = {event.id for event in watched(sent) if SUBJECTS[subject(event.photo)].bond}
    right = len(bond & alerted)
    return Quality(right / len(bond) if bond else 1.0, right / len(alerted) if alerted else 1.0)
