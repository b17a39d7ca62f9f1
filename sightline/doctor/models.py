"""Which versions of the models are loaded where, and whether images go to another pool than the first."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from sightline.doctor.findings import Finding, Severity
from sightline.doctor.snapshot import FEATURIZER, Release, Scrape

CHECK = "models"


def check(release: Release) -> Iterator[Finding]:
    for model, by_pool in sorted(_loaded(release.after).items()):
        yield from _model(model, by_pool)
    yield from _fallback(release)


Versions = dict[str, set[str]]
"""By pool, what its pods have loaded of one model: version and engine."""


def _loaded(scrapes: tuple[Scrape, ...]) -> Mapping[str, Versions]:
    found: dict[str, Versions] = defaultdict(lambda: defaultdict(set))
    for each in scrapes:
        if each.pod.component == FEATURIZER and each.pod.ready:
            for labels, _ in each.values("sightline_inference_seconds_count"):
                found[labels["model"]][each.pod.pool].add(f"{labels['version']} ({labels['engine']})")
    return found


def _model(model: str, by_pool: Versions) -> Iterator[Finding]:
    said = "; ".join(f"{pool}: {', '.join(sorted(versions))}" for pool, versions in sorted(by_pool.items()))
    numbers = {each.split()[0] for versions in by_pool.values() for each in versions}
    if len(numbers) > 1:
        newest = max(numbers, key=lambda each: (int(each) if each.isdigit() else 0, each))
        todo = f"passes when the rollout to {newest} ends; else give all pools the same models image"
        yield Finding(Severity.WARNING, CHECK, model, f"versions differ: {said}", todo)
    else:
        yield Finding(Severity.NOTE, CHECK, model, f"version in use: {said}")


def _fallback(release: Release) -> Iterator[Finding]:
    before, after = _sent_elsewhere(release.before), _sent_elsewhere(release.after)
    for (pipeline, pool), count in sorted(after.items()):
        fresh = count - before.get((pipeline, pool), count)
        if fresh > 0:
            todo = "bring the first pool's pods back: sightline doctor says above why they aren't ready"
            what = f"images go to pool {pool}, not to the first: {fresh:,.0f} in the last {release.between_s:.0f} s"
            yield Finding(Severity.WARNING, "fallback", pipeline, what, todo)
        else:
            what = f"{count:,.0f} images went to pool {pool}, none do now"
            yield Finding(Severity.NOTE, "fallback", pipeline, what)


def _sent_elsewhere(scrapes: tuple[Scrape, ...]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for each in scrapes:
        for labels, value in each.values("sightline_featurizer_fallback_total"):
            if value:
                found[labels["pipeline"], labels["pool"]] += int(value)
    return found
