"""All checks over one release."""

from collections.abc import Callable, Iterable

from sightline.doctor import certificates, clock, lag, letters, models, pods, topics
from sightline.doctor.findings import Finding, Severity, ordered
from sightline.doctor.snapshot import SERVICES, Release

Check = Callable[[Release], Iterable[Finding]]

CHECKS: tuple[Check, ...] = (
    pods.check,
    topics.check,
    lag.check,
    letters.check,
    models.check,
    certificates.check,
    clock.check,
)


def examine(release: Release) -> list[Finding]:
    """Everything there is to say, the worst first."""
    return ordered([*(found for check in CHECKS for found in check(release)), *_unseen(release)])


def _unseen(release: Release) -> Iterable[Finding]:
    """What could not be looked at: a check that did not run must not look like one that found nothing."""
    for what, why in release.unread.items():
        yield Finding(Severity.WARNING, "not checked", what, why)
    for each in release.after:
        if each.error and each.pod.component in SERVICES and each.pod.ready:
            todo = "the checks of lag, models and clocks are without it"
            yield Finding(Severity.WARNING, "not checked", f"metrics of {each.pod.name}", each.error, todo)
