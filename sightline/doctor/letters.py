"""Records that were set aside or lost: dead letters by reason, records that expired unread."""

from collections import Counter
from collections.abc import Iterator, Mapping

from sightline.doctor.findings import Finding, Severity
from sightline.doctor.snapshot import Release, Scrape

CHECK = "dead letters"

TODO: Mapping[str, str] = {
    "poison": "an image kills the featurizer: keep it, look at the featurizer's log of the last crash",
    "model_error": "look at the featurizer's log; does the model fit its manifest?",
    "eval_error": "the query fails for these rows: use try_cast and the like; sightline explain",
    "event_too_large": "raise event_bytes_max and the topic's max.message.bytes",
    "image_too_large": "raise SIGHTLINE_FEATURIZER_IMAGE_PIXELS_MAX, or send smaller images",
    "future_time": "the senders' clocks are ahead: set them by NTP",
    "late": "raise the source's watermark or the windows' allowed_lateness",
}
READ = "read them: docs/operations.md, Dead letters"


def check(release: Release) -> Iterator[Finding]:
    before, after = _letters(release.before), _letters(release.after)
    for (pipeline, reason), count in sorted(after.items()):
        fresh = count - before.get((pipeline, reason), count)
        now = f", {fresh:,.0f} in the last {release.between_s:.0f} s" if fresh > 0 else ""
        what = f"{count:,.0f} {reason} since the pods started{now}"
        severity = Severity.WARNING if fresh > 0 or reason == "poison" else Severity.NOTE
        yield Finding(severity, CHECK, pipeline, what, TODO.get(reason, READ))
    for each in release.after:
        lost = sum(value for _, value in each.values("sightline_skipped_records_total"))
        if lost:
            what = f"{lost:,.0f} records expired before they were read: they are lost"
            todo = "raise the topic's retention, or make consumers faster"
            yield Finding(Severity.WARNING, "lost records", each.pod.name, what, todo)


def _letters(scrapes: tuple[Scrape, ...]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for each in scrapes:
        for labels, value in each.values("sightline_dead_letters_total"):
            if value:
                found[labels["pipeline"], labels["reason"]] += int(value)
    return found
