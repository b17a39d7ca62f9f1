"""A pod of each kind ends in the middle of the stream: it comes back, and nothing is missed or doubled."""

import time
from collections.abc import Callable

import pytest

from tests.e2e.cluster.killer import Killer
from tests.e2e.cluster.release import Release
from tests.e2e.kube import eventually, is_ready

KINDS = ("kafka", "stream-joiner", "featurizer", "alerting")


@pytest.mark.parametrize("component", KINDS)
def test_a_pod_is_deleted(release: Release, component: str) -> None:
    """It has a second to end, and the one that replaces it another address."""
    stream = release.stream(f"{component}-deleted")
    stream.wait_sent(30)
    before = release.one(component=component)
    release.kube.delete_pod(before, grace_s=1)
    away_s = seconds(lambda: replaced(release, component, before.metadata.uid), f"another {component}")
    stream.wait_sent(30)
    release.verify(f"{component} deleted, away for {away_s:.1f} s", stream)


def seconds(condition: Callable[[], bool], what: str) -> float:
    """Until it is so: what a stream that waits for this pod can't be quicker than."""
    begin = time.monotonic()
    eventually(condition, what=what)
    return time.monotonic() - begin


def replaced(release: Release, component: str, uid: str) -> bool:
    pods = release.kube.pods(component=component)
    return bool(pods) and all(is_ready(pod) and pod.metadata.uid != uid for pod in pods)


@pytest.mark.long
@pytest.mark.parametrize("component", KINDS)
def test_a_process_is_killed(release: Release, killer: Killer, component: str) -> None:
    """SIGKILL: no process can end worse. Its pod stays, with its address."""
    stream = release.stream(f"{component}-killed")
    stream.wait_sent(30)
    pod = release.one(component=component)
    restarts = pod.status.container_statuses[0].restart_count
    killer.kill(pod)
    away_s = seconds(lambda: restarted(release, component, restarts), f"{component} started again")
    stream.wait_sent(30)
    release.verify(f"{component} killed, away for {away_s:.1f} s", stream)


def restarted(release: Release, component: str, restarts: int) -> bool:
    (pod,) = release.kube.pods(component=component)
    return is_ready(pod) and pod.status.container_statuses[0].restart_count > restarts
