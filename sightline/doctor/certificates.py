"""When the certificates of the release's secrets expire."""

from collections.abc import Iterator

from sightline.doctor.findings import Finding, Severity
from sightline.doctor.snapshot import Certificate, Release

CHECK = "certificates"
DAYS_MIN = 14
DAY_S = 86_400
RENEW = "renew it: docs/operations.md, Secrets and certificates"


def check(release: Release) -> Iterator[Finding]:
    for each in release.certificates or ():
        if found := _one(each, release.now):
            yield found


def _one(each: Certificate, now: float) -> Finding | None:
    if each.error:
        return Finding(Severity.BROKEN, CHECK, each.secret, f"is no certificate: {each.error}", RENEW)
    days = (each.not_after - now) / DAY_S
    if days <= 0:
        return Finding(Severity.BROKEN, CHECK, each.secret, f"{each.subject} expired {-days:.0f} days ago", RENEW)
    if days < DAYS_MIN:
        return Finding(Severity.WARNING, CHECK, each.secret, f"{each.subject} expires in {days:.0f} days", RENEW)
    return None
