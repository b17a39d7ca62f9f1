"""One installation that all tests of this folder use; each leaves it as it was."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.cluster import images
from tests.e2e.cluster.killer import Killer
from tests.e2e.cluster.release import Release
from tests.e2e.evidence import collect
from tests.e2e.kube import Kube

NAMESPACE = "sightline-e2e"


@pytest.fixture(scope="session")
def tag(kubeconfig: Path) -> str:
    """Tag of the images, which every node has."""
    return images.ready()


@pytest.fixture(scope="session")
def installed(kubeconfig: Path, tag: str) -> Iterator[Release]:
    kube = Kube(kubeconfig, NAMESPACE)
    kube.delete_namespace()
    kube.create_namespace()
    release = Release(kube, tag)
    with closing(release):
        try:
            release.install()
        except BaseException:
            collect(kube, "install")
            raise
        yield release
        kube.delete_namespace()


@pytest.fixture
def release(installed: Release) -> Release:
    """Ready, whatever the test before did to it."""
    for component in ("kafka", "stream-joiner", "featurizer", "alerting"):
        installed.kube.wait_ready(1, component=component)
    return installed


@pytest.fixture(scope="session")
def killer(kubeconfig: Path, tag: str) -> Iterator[Killer]:
    kube = Kube(kubeconfig, f"{NAMESPACE}-killer")
    kube.delete_namespace()
    kube.create_namespace("privileged")
    yield Killer(kube, f"sightline/stream-joiner:{tag}")
    kube.delete_namespace()
    kube.close()
