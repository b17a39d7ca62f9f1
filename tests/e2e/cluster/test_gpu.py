"""The joiner prefers the GPU pool, takes the CPU pool while there is none, and comes back. GPUs are only counted."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.cluster.release import Release, Values
from tests.e2e.drain import cordon
from tests.e2e.kube import eventually

GPU = "nvidia.com/gpu"
FALLBACK, SCORED = "sightline_featurizer_fallback_total", "sightline_batch_rows_sum"
pytestmark = pytest.mark.long


@pytest.fixture
def gpu_node(release: Release) -> str:
    """Skips where no node offers a GPU, real or only counted."""
    nodes = [node for node in release.kube.core.list_node().items if int(node.status.allocatable.get(GPU, 0))]
    if not nodes:
        pytest.skip(f"no node offers {GPU}")
    return str(nodes[0].metadata.name)


def gpu_pool() -> Values:
    """The CPU image on the GPU node, since it is the place that is tried here, not the device."""
    image = {"repository": "sightline/featurizer-cpu"}
    settings = {"engine": "litert", "batch_rows_max": 16}
    resources = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "2Gi"}}
    return {
        "featurizer": {
            "pools": {"gpu": {"enabled": True, "image": image, "settings": settings, "resources": resources}}
        }
    }


@contextmanager
def no_place(release: Release, node: str) -> Iterator[None]:
    cordon(release.kube, node)
    try:
        yield
    finally:
        cordon(release.kube, node, False)


def test_without_its_gpu_node_the_cpu_pool_serves_until_it_is_back(release: Release, gpu_node: str) -> None:
    with release.changed(gpu_pool()):
        gpu = release.one(pool="gpu")
        assert gpu.spec.node_name == gpu_node
        stream = release.stream("gpu-comes-and-goes")
        begin = release.metric(gpu, SCORED)
        eventually(lambda: release.metric(gpu, SCORED) > begin, what="images at the GPU pool")
        joiner = release.one(component="stream-joiner")
        with no_place(release, gpu_node):
            before = release.metric(joiner, FALLBACK)
            release.kube.delete_pod(gpu)
            eventually(lambda: release.metric(joiner, FALLBACK) > before, what="images at the CPU pool")
            stream.wait_sent(50)
        gpu = release.one(pool="gpu")
        begin = release.metric(gpu, SCORED)
        eventually(lambda: release.metric(gpu, SCORED) > begin, what="images at the GPU pool again")
        stream.wait_sent(50)
        release.verify("GPU node goes and comes", stream)
