"""A control plane to ask, and its namespace for dry runs."""

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.render import crds
from tests.e2e.render.rendering import helms

TIMEOUT_S = 120
_ESTABLISHED = ("--for=condition=Established", "--timeout=60s")


def eventually(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.2)


class Kubectl:
    """In one namespace of the cluster that a kubeconfig names."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self.kubeconfig, self.namespace = kubeconfig, namespace

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        """Its output. Raises AssertionError with what it complained of."""
        done = self.run(*arguments, stdin=stdin)
        assert not done.returncode, done.stderr
        return done.stdout

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        argv = ["kubectl", f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}", *arguments]
        return subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


@pytest.fixture(autouse=True, scope="session")
def need_helm() -> None:
    if not helms():
        pytest.skip("helm is not in PATH")


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Path:
    """The kubeconfig of a cluster: KUBECONFIG's, else one whose nodes are not real. Nothing here needs pods to run."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not in PATH")
    if given := os.environ.get("KUBECONFIG"):
        return Path(given)
    found = request.getfixturevalue("fake_kubeconfig")
    assert isinstance(found, Path)
    return found


@pytest.fixture(scope="session")
def operators(cluster: Path) -> Iterator[Callable[[str], None]]:
    """`operators("keda")`: its resource definitions are in the cluster from now on; skips where they can't be had.

    What was not there before is removed at the end.
    """
    kubectl = Kubectl(cluster, "default")
    before = set(kubectl("get", "crd", "-o", "name").split())
    there: set[str] = set()

    def need(name: str) -> None:
        if name in there:
            return
        try:
            text = crds.strimzi() if name == "strimzi" else crds.definitions(name)
        except crds.NotToBeHadError as error:
            pytest.skip(str(error))
        kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)
        # A definition that has no conditions yet is an error to `wait`, not something to wait for.
        eventually(lambda: not kubectl.run("wait", *_ESTABLISHED, "-f", "-", stdin=text).returncode)
        there.add(name)

    yield need
    if made := set(kubectl("get", "crd", "-o", "name").split()) - before:
        kubectl("delete", "--wait=false", *made)


@pytest.fixture
def namespace(cluster: Path) -> Iterator[Kubectl]:
    """One of the test's own, in which only "restricted" pods are admitted."""
    kubectl = Kubectl(cluster, f"render-{uuid.uuid4().hex[:8]}")
    kubectl("create", "namespace", kubectl.namespace)
    kubectl("label", "namespace", kubectl.namespace, "pod-security.kubernetes.io/enforce=restricted")
    yield kubectl
    kubectl("delete", "namespace", kubectl.namespace, "--wait=false")
