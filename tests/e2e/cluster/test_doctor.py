"""`sightline doctor` on the installed release."""

import pytest

from tests.e2e.cluster.release import Release
from tests.e2e.doctor.on_pods import finds_it_healthy, finds_what_is_broken


def test_it_finds_nothing_wrong(release: Release) -> None:
    finds_it_healthy(release.kube, release.helm.release)


@pytest.mark.long
def test_it_finds_what_is_broken(release: Release) -> None:
    finds_what_is_broken(release.kube, release.helm.release, "sightline")
    release.upgrade({})
