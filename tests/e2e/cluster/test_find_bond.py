"""Read this first: photographs go into a cluster, alerts come out of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from demo.compare import AlertRecord, compare
from demo.records import alerts
from demo.replay import read_sent
from demo.truth import expected
from demo.watch import Seen, Watch
from tests.e2e import figures
from tests.e2e.cluster.release import Release
from tests.e2e.forward import answers, forwarded
from tests.e2e.kube import eventually

COUNT, RATE = 200, 10
FORWARD_PORT = 19092


def test_the_charts_own_test_passes(release: Release) -> None:
    assert "Succeeded" in release.helm.test()


def test_find_bond(release: Release) -> None:
    """The first events meet cold code everywhere: they must be right too, and have a line of their own."""
    for name, events in ("find-bond, first events", 60), ("find-bond", 300):
        stream = release.stream(name)
        stream.wait_sent(events)
        release.verify(name, stream)


def test_find_bond_from_outside(release: Release, tmp_path: Path) -> None:
    """The demo's own sender, subscriber and reader, which share no process with the cluster."""
    if answers(FORWARD_PORT):
        pytest.skip(f"port {FORWARD_PORT}, which the broker's second listener names, is taken on this machine")
    source, bootstrap = "/e2e/outside", f"localhost:{FORWARD_PORT}"
    kafka, alerting = release.one(component="kafka"), release.one(component="alerting")
    with (
        forwarded(release.kube, kafka, FORWARD_PORT, FORWARD_PORT),
        forwarded(release.kube, alerting, 8600) as alerts_port,
    ):
        watch = Watch(f"localhost:{alerts_port}")
        watch.start()
        flags = {"bootstrap-servers": bootstrap, "spool": release.photographs.folder, "sent": tmp_path / "sent"}
        flags |= {"rate": RATE, "count": COUNT, "source": source}
        subprocess.run([sys.executable, "-m", "demo.replay", *flagged(flags)], check=True, timeout=180)
        wanted = expected(read_sent(tmp_path / "sent"), release.photographs.score)

        def records() -> list[AlertRecord]:
            return [each for each in alerts(bootstrap) if each.event_source == source]

        eventually(lambda: wanted.keys() <= {each.event_id for each in records()}, what="every alert")
        verdict = compare(wanted, records())
        watch.stop()
    figures.add("find-bond-from-outside", f"{verdict}", **verdict._asdict())
    assert verdict.right, verdict
    assert verdict.expected > 0
    seen = {each.event_id for each in iter_now(watch) if each.event_source == source}
    assert seen == wanted.keys()


def flagged(flags: dict[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.items()]


def iter_now(watch: Watch) -> list[Seen]:
    """What has come so far."""
    return [watch.alerts.get_nowait() for _ in range(watch.alerts.qsize())]
