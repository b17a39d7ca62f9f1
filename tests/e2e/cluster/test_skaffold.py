"""skaffold.yaml's way to a cluster, with images that are there already: it deploys, and code goes into running pods."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.cluster.images import SERVICES
from tests.e2e.cluster.photographs import archive
from tests.e2e.execs import execute
from tests.e2e.helm import Helm
from tests.e2e.kube import Kube, eventually
from tools.images.targets import ROOT

pytestmark = pytest.mark.long
NAMESPACE = "sightline-e2e-skaffold"
TIMEOUT_S = 600
CHANGED = "services/alerting/__main__.py"
MARK = "changed code runs"


def skaffold(kube: Kube, *arguments: str) -> None:
    """`check=True` would not show what it said."""
    argv = ["skaffold", *arguments, "--profile=cpu", f"--namespace={NAMESPACE}", f"--kubeconfig={kube.kubeconfig}"]
    private = {"SKAFFOLD_UPDATE_CHECK": "false", "SKAFFOLD_INTERACTIVE": "false"}
    done = subprocess.run(argv, cwd=ROOT, env=os.environ | private, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert not done.returncode, f"{done.stdout[-2000:]}{done.stderr[-2000:]}"


@pytest.fixture(scope="module")
def deployed(kubeconfig: Path, tag: str) -> Iterator[Kube]:
    if not shutil.which("skaffold"):
        pytest.skip("skaffold is not in PATH")
    with closing(Kube(kubeconfig, NAMESPACE)) as kube:
        kube.delete_namespace()
        kube.create_namespace()
        images = ",".join(f"sightline/{service}:{tag}" for service in SERVICES)
        skaffold(kube, "deploy", f"--images={images}", "--port-forward=off")
        yield kube
        kube.delete_namespace()


def test_what_it_deploys_works(deployed: Kube) -> None:
    assert "Succeeded" in Helm(deployed, "sightline").test()


def test_a_changed_file_runs_without_a_new_image(deployed: Kube) -> None:
    """As its sync sends files, by tar into the path it names, and as its hook ends the process."""
    before = deployed.wait_ready(1, component="alerting")[0]
    name = before.metadata.name
    unpack = ("tar", "xmf", "-", "-C", "/code", "--no-same-owner")
    sent = changed()
    execute(deployed, name, "sh", "-c", f"head -c {len(sent)} | {' '.join(unpack)}", stdin=sent)
    execute(deployed, name, "sh", "-c", "kill -TERM 1")
    eventually(lambda: MARK in deployed.kubectl("logs", name), what="the changed code's line")
    (after,) = deployed.wait_ready(1, component="alerting")
    assert after.metadata.uid == before.metadata.uid, "the pod is the same, with its image"
    assert "Succeeded" in Helm(deployed, "sightline").test()


def changed() -> bytes:
    """A tar archive of the file, which now says so when it starts."""
    content = f"print({MARK!r}, flush=True)\n{(ROOT / CHANGED).read_text()}".encode()
    return archive({CHANGED: content})


def test_delete_leaves_nothing(deployed: Kube) -> None:
    skaffold(deployed, "delete")
    left = "pods,deployments,statefulsets,jobs,services,secrets,persistentvolumeclaims,networkpolicies"
    last_test = {"pod/sightline-test"}

    def gone() -> bool:
        return set(deployed.kubectl("get", left, "-o", "name").split()) <= last_test

    eventually(gone, what="the end of everything")
