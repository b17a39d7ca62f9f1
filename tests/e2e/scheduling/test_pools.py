"""Where the pods of the pools go, and what happens where there is no place for them."""

from typing import Any

from tests.e2e.helm import Helm
from tests.e2e.kube import Pod, eventually
from tests.e2e.scheduling.nodes import HOSTNAME, ZONE, add, nodes, remove

GPU = {"enabled": True}


def values(**pools: dict[str, Any]) -> dict[str, Any]:
    # No claim: the volumes of a cluster without processes are never bound.
    return {"featurizer": {"pools": pools}, "kafka": {"persistence": {"enabled": False}}}


def nodes_of(pods: list[Pod]) -> list[str]:
    return sorted(pod.spec.node_name for pod in pods)


def test_gpu_pods_go_to_the_gpu_node_and_no_others_do(helm: Helm) -> None:
    with nodes(helm.kube, cpu=2, gpu=1):
        helm.install(values(gpu=GPU, cpu={"replicas": 4}))
        assert nodes_of(helm.kube.wait_ready(1, pool="gpu")) == ["e2e-gpu-0"]
        others = [pod for pod in helm.kube.pods() if pod.metadata.labels.get("sightline.dev/pool") != "gpu"]
        assert len(others) >= 7  # four featurizers, a joiner, alerting, Kafka
        assert "e2e-gpu-0" not in nodes_of(others)


def test_without_a_gpu_node_its_pool_waits_with_a_reason_and_the_rest_runs(helm: Helm) -> None:
    with nodes(helm.kube, cpu=2):
        helm.install(values(gpu=GPU), wait=False)
        for component in ("stream-joiner", "alerting", "kafka"):
            helm.kube.wait_ready(1, component=component)
        helm.kube.wait_ready(1, pool="cpu")
        assert "nvidia.com/gpu" in eventually(lambda: unschedulable(helm, "gpu"), what="the reason")
        add(helm.kube, "e2e-gpu-late")
        try:
            assert nodes_of(helm.kube.wait_ready(1, pool="gpu")) == ["e2e-gpu-late"]
        finally:
            remove(helm.kube, "e2e-gpu-late")


def unschedulable(helm: Helm, pool: str) -> str:
    """The scheduler's reason, or nothing."""
    (pod,) = helm.kube.pods(pool=pool)
    conditions = [each for each in pod.status.conditions or [] if each.type == "PodScheduled"]
    return next((each.message for each in conditions if each.reason == "Unschedulable"), "")


def test_a_rollout_needs_no_second_gpu(helm: Helm) -> None:
    with nodes(helm.kube, cpu=1, gpu=1):
        helm.install(values(gpu=GPU))
        (before,) = helm.kube.wait_ready(1, pool="gpu")
        helm.upgrade(values(gpu=GPU | {"podAnnotations": {"try": "2"}}))
        (after,) = helm.kube.wait_ready(1, pool="gpu")
        assert after.metadata.uid != before.metadata.uid


def test_a_pool_spreads_over_zones(helm: Helm) -> None:
    spread = [{"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule"}]
    with nodes(helm.kube, cpu=6, zones=3):
        helm.install(values(cpu={"replicas": 6, "topologySpreadConstraints": spread}))
        where = nodes_of(helm.kube.wait_ready(6, pool="cpu"))
        zones = [int(name.rpartition("-")[2]) % 3 for name in where]
        assert sorted(zones) == [0, 0, 1, 1, 2, 2]


def test_fifty_nodes(helm: Helm) -> None:
    spread = [{"maxSkew": 1, "topologyKey": HOSTNAME, "whenUnsatisfiable": "DoNotSchedule"}]
    cpu = {"replicas": 40, "topologySpreadConstraints": spread}
    with nodes(helm.kube, cpu=45, gpu=5, zones=3):
        helm.install(values(gpu=GPU | {"replicas": 5}, cpu=cpu) | {"streamJoiner": {"replicas": 4}})
        assert nodes_of(helm.kube.wait_ready(5, pool="gpu")) == [f"e2e-gpu-{number}" for number in range(5)]
        assert len(set(nodes_of(helm.kube.wait_ready(40, pool="cpu")))) == 40
        others = [pod for pod in helm.kube.pods() if pod.metadata.labels.get("sightline.dev/pool") != "gpu"]
        assert not [name for name in nodes_of(others) if "gpu" in name]
