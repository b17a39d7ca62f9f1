"""Clocks: of the nodes against each other, and of those who send events against ours."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from statistics import median

from sightline.doctor.findings import Finding, Severity
from sightline.doctor.snapshot import Release

CHECK = "clocks"
APART_S_MAX = 2.0
"""A Date header has whole seconds, and the answer was under way: one second apart is not seen."""


def check(release: Release) -> Iterator[Finding]:
    yield from _nodes(release)
    before = {each.pod.name: _clamped(each.values("sightline_clock_skew_total")) for each in release.before}
    for each in release.after:
        count = _clamped(each.values("sightline_clock_skew_total"))
        if count:
            fresh = count > before.get(each.pod.name, count)
            what = f"{count:,.0f} records came from a clock ahead of its own{', still so' if fresh else ''}"
            severity = Severity.WARNING if fresh else Severity.NOTE
            yield Finding(severity, CHECK, each.pod.name, what, "set senders' and nodes' clocks by NTP")


def _nodes(release: Release) -> Iterator[Finding]:
    ahead: dict[str, list[float]] = defaultdict(list)
    for each in release.after:
        if each.clock_ahead_s is not None and each.pod.node:
            ahead[each.pod.node].append(each.clock_ahead_s)
    clocks = {node: median(found) for node, found in ahead.items()}
    usual = median(clocks.values()) if clocks else 0.0
    for node, found in sorted(clocks.items()):
        if abs(found - usual) > APART_S_MAX:
            word = "ahead of" if found > usual else "behind"
            what = f"its clock is {abs(found - usual):.0f} s {word} the other nodes'"
            yield Finding(
                Severity.WARNING, CHECK, f"node {node}", what, "set it by NTP: latencies and windows are wrong"
            )
    if abs(usual) > APART_S_MAX:
        what = f"the nodes' clocks are {abs(usual):.0f} s {'ahead of' if usual > 0 else 'behind'} this machine's"
        yield Finding(Severity.NOTE, CHECK, "nodes", what)


def _clamped(samples: Iterable[tuple[object, float]]) -> float:
    return sum(value for _, value in samples)
