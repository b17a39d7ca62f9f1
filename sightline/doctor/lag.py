"""How far consumers are behind, whether they catch up, and whether each partition is read by somebody."""

from collections.abc import Iterator
from typing import NamedTuple

from sightline.doctor.findings import Finding, Severity
from sightline.doctor.snapshot import JOINER, Release, Scrape

CHECK = "lag"
LAG_RECORDS_MAX = 200
"""Fewer are a moment's queue: four seconds at 50 events/s."""
OLD_S_MAX = 60.0


class Place(NamedTuple):
    component: str
    pipeline: str
    partition: int

    def __str__(self) -> str:
        return f"{self.component} {self.pipeline}/{self.partition}"


def check(release: Release) -> Iterator[Finding]:
    before, after = _lags(release.before), _lags(release.after)
    for place, records in sorted(after.items()):
        if records > LAG_RECORDS_MAX:
            yield _behind(place, before.get(place, records), records, release.between_s)
    yield from _old_events(release)
    yield from _unread(release, {(place.pipeline, place.partition) for place in after if place.component == JOINER})


def _lags(scrapes: tuple[Scrape, ...]) -> dict[Place, float]:
    """While a partition changes hands two may speak of it: the smaller lag is the newer word."""
    found: dict[Place, float] = {}
    for each in scrapes:
        for labels, records in each.values("sightline_consumer_lag_records"):
            place = Place(each.pod.component, labels["pipeline"], int(labels["partition"]))
            found[place] = min(records, found.get(place, records))
    return found


def _behind(place: Place, before: float, now: float, seconds: float) -> Finding:
    caught_up = (before - now) / seconds
    if caught_up > 0:
        what = f"{now:,.0f} records behind, catching up in about {now / caught_up:,.0f} s"
        return Finding(Severity.NOTE, CHECK, str(place), what)
    growing = f"and {-caught_up:,.0f} more each second" if caught_up < 0 else "and not catching up"
    todo = "look at featurizer queues; add replicas, or partitions" if place.component == JOINER else "add replicas"
    return Finding(Severity.WARNING, CHECK, str(place), f"{now:,.0f} records behind {growing}", todo)


def _old_events(release: Release) -> Iterator[Finding]:
    """Of a stream that flows: an idle one grows older by itself."""
    flowed = _events(release.after) - _events(release.before)
    for each in release.after:
        for labels, seconds in each.values("sightline_watermark_lag_seconds"):
            if flowed > 0 and seconds > OLD_S_MAX:
                what = f"the newest event of {labels['pipeline']} is {seconds:,.0f} s old though events arrive"
                todo = "a backlog or a replay is worked off, or the senders' clocks are late"
                yield Finding(Severity.WARNING, CHECK, each.pod.name, what, todo)


def _events(scrapes: tuple[Scrape, ...]) -> float:
    return sum(value for each in scrapes for _, value in each.values("sightline_events_total"))


def _unread(release: Release, read: set[tuple[str, int]]) -> Iterator[Finding]:
    """Only where every joiner answered, and all are ready: else a partition may be read by one we did not hear."""
    joiners = [each for each in release.after if each.pod.component == JOINER]
    if release.topics_there is None or any(each.error or not each.pod.ready for each in joiners):
        return
    for pipeline in sorted({name for name, _ in read}):
        topic = release.sources.get(pipeline, "")
        missing = [each for each in range(release.topics_there.get(topic, 0)) if (pipeline, each) not in read]
        if missing:
            what = f"nobody reads partition {', '.join(map(str, missing))} of {topic}"
            todo = f"passes with a rebalance; else kubectl delete pod -l sightline.dev/pipeline={pipeline}"
            yield Finding(Severity.WARNING, CHECK, f"{JOINER} {pipeline}", what, todo)
