"""A release on nodes that kwok plays: pods are scheduled by the real scheduler ready at once, no process."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.drain import cordon
from tests.e2e.helm import Helm
from tests.e2e.kube import Kube


@pytest.fixture(scope="session")
def control_plane(fake_kubeconfig: Path) -> Iterator[Path]:
    """Nodes that are there already take no pods meanwhile: each test makes its own."""
    kube = Kube(fake_kubeconfig, "default")
    free = [node.metadata.name for node in kube.core.list_node().items if not node.spec.unschedulable]
    for name in free:
        cordon(kube, name)
    yield fake_kubeconfig
    for name in free:
        cordon(kube, name, False)
    kube.close()


@pytest.fixture
def helm(control_plane: Path) -> Iterator[Helm]:
    """A namespace of the test's own; its release is called sightline."""
    kube = Kube(control_plane, f"e2e-{uuid.uuid4().hex[:6]}")
    kube.create_namespace()
    yield Helm(kube, "sightline")
    kube.delete_namespace(wait=False)
    kube.close()
