"""A pod of each kind ends in the middle of the stream: it comes back, and nothing is missed or doubled."""

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
    eventually(lambda: replaced(release, component, before.metadata.uid), what=f"another {component}")
    stream.wait_sent(30)
    release.verify(f"{component} deleted", stream)


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
    eventually(lambda: restarted(release, component, restarts), what=f"{component} started again")
    stream.wait_sent(30)
    release.verify(f"{component} killed", stream)


def restarted(release: Release, component: str, restarts: int) -> bool:
    (pod,) = release.kube.pods(component=component)
    return is_ready(pod) and pod.status.container_statuses[0].restart_count > restarts
