"""A node is emptied: the disruption budgets say how fast."""

import pytest
from kubernetes.client.exceptions import ApiException

from tests.e2e.drain import cordon, drain, evict
from tests.e2e.helm import Helm
from tests.e2e.kube import eventually
from tests.e2e.scheduling.nodes import nodes
from tests.e2e.scheduling.test_pools import nodes_of, values


def test_a_second_eviction_is_refused_until_the_first_pod_is_replaced(helm: Helm) -> None:
    with nodes(helm.kube, cpu=2):
        helm.install(values(cpu={"replicas": 2}))
        first, second = helm.kube.wait_ready(2, pool="cpu")
        for name in ("e2e-cpu-0", "e2e-cpu-1"):
            cordon(helm.kube, name)  # no place for the pod that replaces it
        evict(helm.kube, first)
        eventually(lambda: len(helm.kube.ready_pods(pool="cpu")) == 1, what="the end of the first")
        with pytest.raises(ApiException) as refusal:
            evict(helm.kube, second)
        assert refusal.value.status == 429
        assert "disruption budget" in str(refusal.value.body)
        cordon(helm.kube, "e2e-cpu-0", False)
        helm.kube.wait_ready(2, pool="cpu")
        eventually(lambda: not refused(helm, second), what="the second eviction")


def refused(helm: Helm, pod: object) -> bool:
    try:
        evict(helm.kube, pod)
    except ApiException as error:
        return bool(error.status == 429)
    return False


def test_a_drained_node_is_empty_and_everything_runs_elsewhere(helm: Helm) -> None:
    with nodes(helm.kube, cpu=2):
        helm.install(values(cpu={"replicas": 3}))
        drain(helm.kube, "e2e-cpu-0")
        helm.kube.wait_ready(3, pool="cpu")
        for component in ("stream-joiner", "alerting", "kafka"):
            helm.kube.wait_ready(1, component=component)
        assert set(nodes_of(helm.kube.pods())) == {"e2e-cpu-1"}
