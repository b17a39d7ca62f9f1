"""What is left when the release is gone: what docs/kubernetes.md says, which tells how to remove it too."""

import pytest

from tests.e2e.cluster.release import Release
from tests.e2e.kube import eventually

KINDS = (
    "pods,deployments,statefulsets,jobs,services,endpointslices,configmaps,secrets,serviceaccounts,networkpolicies,"
    "poddisruptionbudgets,roles,rolebindings,controllerrevisions,persistentvolumeclaims"
)
CLAIM, LAST_TEST = "persistentvolumeclaim/data-sightline-kafka-0", "pod/sightline-test"


@pytest.mark.last
def test_uninstall_leaves_the_brokers_claim_and_the_last_tests_pod(release: Release) -> None:
    release.helm.uninstall()
    eventually(lambda: left(release) <= {CLAIM, LAST_TEST}, what="the end of everything else")
    assert CLAIM in left(release)


def left(release: Release) -> set[str]:
    """Kind and name of what carries the release's name."""
    names = release.kube.kubectl("get", KINDS, "-o", "name").split()
    return {name for name in names if "sightline" in name}
