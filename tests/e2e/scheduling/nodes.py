"""Nodes that kwok plays: made, and taken away again, by the tests."""

from collections.abc import Iterator
from contextlib import contextmanager

from kubernetes import client

from tests.e2e.kube import Kube, eventually, is_ready

ZONE = "topology.kubernetes.io/zone"
HOSTNAME = "kubernetes.io/hostname"
GPU_TAINT = client.V1Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule")


@contextmanager
def nodes(kube: Kube, cpu: int = 0, gpu: int = 0, zones: int = 1) -> Iterator[None]:
    """So many nodes, the GPU ones labelled and tainted as NVIDIA's operator does; round robin over zones."""
    names = [f"e2e-cpu-{number}" for number in range(cpu)] + [f"e2e-gpu-{number}" for number in range(gpu)]
    try:
        for number, name in enumerate(names):
            add(kube, name, f"zone-{number % zones}")
        for name in names:
            eventually(lambda name=name: is_ready(kube.core.read_node(name)), what=f"node {name}")  # type: ignore[misc]
        yield
    finally:
        for name in names:
            remove(kube, name)


def add(kube: Kube, name: str, zone: str = "zone-0") -> None:
    has_gpu = "gpu" in name
    labels = {HOSTNAME: name, ZONE: zone, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    labels |= {"nvidia.com/gpu.present": "true"} if has_gpu else {}
    metadata = {"name": name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}}
    spec = client.V1NodeSpec(taints=[GPU_TAINT] if has_gpu else None)
    kube.core.create_node(client.V1Node(metadata=metadata, spec=spec))
    offers = {"cpu": "16", "memory": "64Gi", "pods": "110", "ephemeral-storage": "200Gi"}
    offers |= {"nvidia.com/gpu": "1"} if has_gpu else {}
    kube.core.patch_node_status(name, {"status": {"capacity": offers, "allocatable": offers}})


def remove(kube: Kube, name: str) -> None:
    kube.core.delete_node(name)
