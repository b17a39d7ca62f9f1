"""What is left when the release is gone."""

import pytest

from tests.e2e.cluster.release import Release
from tests.e2e.kube import eventually

KINDS = (
    "deployments,statefulsets,jobs,services,endpointslices,configmaps,secrets,serviceaccounts,networkpolicies,"
    "poddisruptionbudgets,roles,rolebindings,controllerrevisions"
)


@pytest.mark.last
def test_uninstall_leaves_the_brokers_claim_and_nothing_else(release: Release) -> None:
    """Claims hold data: docs/kubernetes.md says how to remove them."""
    release.helm.uninstall()
    eventually(lambda: not left(release, "pods"), what="the end of the pods")
    kinds = (
        "deployments,statefulsets,jobs,services,configmaps,secrets,networkpolicies,poddisruptionbudgets,serviceaccounts"
    )
    assert left(release, kinds) == []
    claims = left(release, "persistentvolumeclaims")
    assert len(claims) == 1
    assert "kafka" in claims[0]


def left(release: Release, kinds: str) -> list[str]:
    """Kind and name of what carries the release's label, or its name."""
    names = release.kube.kubectl("get", kinds, "-o", "name").split()
    return [name for name in names if "sightline" in name]
