"""The alerts that are there against those that should be."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from demo.truth import Sighting

_SCORE_TOLERANCE = 1e-6  # JSON and protobuf carry the same float32; this allows for its decimal text


class AlertRecord(NamedTuple):
    """One record of the alerts topic."""

    id: str
    rule: str
    event_id: str
    event_source: str
    sighting: Sighting


class Verdict(NamedTuple):
    """`alerts` counts each (rule, event) once; the other three must be 0."""

    alerts: int
    expected: int
    missed: int
    false_alerts: int
    doubled: int

    @property
    def right(self) -> bool:
        return not (self.missed or self.false_alerts or self.doubled)


def compare(expected: Mapping[str, Sighting], records: Iterable[AlertRecord]) -> Verdict:
    """Missed: expected and not there. False: not expected, or saying something else. Doubled: two records of one id,
    or one rule and event under two ids.
    """
    by_alert: defaultdict[tuple[str, str], list[AlertRecord]] = defaultdict(list)
    for record in records:
        by_alert[record.rule, record.event_id].append(record)
    there = {event_id for _, event_id in by_alert}
    return Verdict(
        alerts=len(by_alert),
        expected=len(expected),
        missed=len(expected.keys() - there),
        false_alerts=sum(
            any(not _says(record.sighting, expected.get(event_id)) for record in same)
            for (_, event_id), same in by_alert.items()
        ),
        doubled=sum(len(same) - 1 for same in by_alert.values()),
    )


def _says(seen: Sighting, wanted: Sighting | None) -> bool:
    return (
        wanted is not None
        and (seen.place, seen.label) == (wanted.place, wanted.label)
        and abs(seen.score - wanted.score) <= _SCORE_TOLERANCE
    )
