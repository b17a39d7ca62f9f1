"""Nodes are emptied as `kubectl drain` does it."""

from kubernetes import client
from kubernetes.client.exceptions import ApiException

from tests.e2e.kube import Kube, Pod, eventually


def cordon(kube: Kube, name: str, cordoned: bool = True) -> None:
    kube.core.patch_node(name, {"spec": {"unschedulable": cordoned}})


def evict(kube: Kube, pod: Pod) -> None:
    """As `kubectl drain` does: a disruption budget may refuse (ApiException, status 429)."""
    body = client.V1Eviction(metadata={"name": pod.metadata.name, "namespace": kube.namespace})
    kube.core.create_namespaced_pod_eviction(pod.metadata.name, kube.namespace, body)


def drain(kube: Kube, node: str, timeout_s: float = 300) -> None:
    """Cordons it and evicts every pod of the namespace; a pod whose budget refuses is asked again until it goes."""
    cordon(kube, node)
    eventually(lambda: not _asked(kube, node), timeout_s, f"{node} drained")


def _asked(kube: Kube, node: str) -> list[Pod]:
    """Evicts what may go; the pods that are still there, going or not. Finished ones don't count."""
    pods = kube.core.list_namespaced_pod(kube.namespace, field_selector=f"spec.nodeName={node}").items
    left = [pod for pod in pods if pod.status.phase not in ("Succeeded", "Failed")]
    for pod in left:
        if not pod.metadata.deletion_timestamp:
            try:
                evict(kube, pod)
            except ApiException as error:
                if error.status not in (404, 429):
                    raise
    return left
