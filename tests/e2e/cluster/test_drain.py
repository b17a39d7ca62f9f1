"""A node is drained, and comes back, in the middle of the stream."""

from collections import Counter

import pytest

from tests.e2e.cluster.release import Release
from tests.e2e.drain import cordon, drain
from tests.e2e.kube import Pod

pytestmark = pytest.mark.long
COMPONENTS = ("kafka", "stream-joiner", "featurizer", "alerting")


def test_a_node_is_drained_and_comes_back(release: Release) -> None:
    kube = release.kube
    spare = [node for node in kube.core.list_node().items if not node.spec.unschedulable and not node.spec.taints]
    if len(spare) < 2:
        pytest.skip("a second node without taints is needed")
    used = Counter(pod.spec.node_name for pod in kube.pods() if pod.metadata.name != "player")
    node = next(name for name, _ in used.most_common() if name != release.player.node)
    stream = release.stream("drained")
    stream.wait_sent(30)
    gone = [pod.metadata.labels["app.kubernetes.io/component"] for pod in on(release, node)]
    try:
        drain(kube, node)
        for component in COMPONENTS:
            kube.wait_ready(1, component=component)
        stream.wait_sent(30)
    finally:
        cordon(kube, node, False)
    stream.wait_sent(30)
    release.verify(f"{node} with {', '.join(sorted(gone))} drained", stream)


def on(release: Release, node: str) -> list[Pod]:
    return [pod for pod in release.kube.pods() if pod.spec.node_name == node]
