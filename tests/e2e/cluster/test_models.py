"""Where featurizers get their models, other than from an image: a web server, and a claim."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.cluster.photographs import MODELS, archive_of
from tests.e2e.cluster.player_pod import FOLDER, manifest
from tests.e2e.cluster.release import Release, Values
from tests.e2e.execs import execute, unpack
from tests.e2e.kube import Kube, eventually

pytestmark = pytest.mark.long
NAME, PORT = "files", 8000


@pytest.fixture
def archive() -> bytes:
    return archive_of(MODELS)


@pytest.fixture
def server(release: Release, archive: bytes) -> Iterator[str]:
    """URL of the archive, served by Python's plain web server, which knows no range requests."""
    kube = release.kube
    pod = manifest(f"sightline/stream-joiner:{release.tag}", NAME)
    port = {"port": PORT, "targetPort": PORT}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME}}
    kube.apply(pod, service | {"spec": {"selector": {"app": NAME}, "ports": [port]}})
    kube.wait_ready(1, app=NAME)
    put(kube, NAME, archive, f"{FOLDER}/models.tar.gz")
    serve = f"cd {FOLDER}; setsid python -m http.server {PORT} </dev/null >log 2>&1 &"
    execute(kube, NAME, "sh", "-c", serve)
    yield f"http://{NAME}:{PORT}/models.tar.gz"
    kube.kubectl("delete", "service,pod", NAME, "--wait=true")


def put(kube: Kube, pod: str, content: bytes, path: str) -> None:
    code = f"import pathlib, sys; p = pathlib.Path({path!r}); p.parent.mkdir(parents=True, exist_ok=True)"
    code += "; p.write_bytes(sys.stdin.buffer.read(int(sys.argv[1])))"
    execute(kube, pod, "python", "-c", code, str(len(content)), stdin=content)


def by_url(url: str, sha256: str) -> Values:
    return {"models": {"source": "url", "url": {"url": url, "sha256": sha256}}}


def test_models_by_http(release: Release, server: str, archive: bytes) -> None:
    stream = release.stream("models-by-http")
    with release.changed(by_url(server, hashlib.sha256(archive).hexdigest())):
        stream.wait_sent(30)
    release.verify("models by HTTP", stream)


def test_models_with_another_sha256_are_refused_and_the_old_pods_go_on(release: Release, server: str) -> None:
    stream = release.stream("wrong-sha256")
    before = release.one(component="featurizer")
    values = by_url(server, "0" * 64)
    try:
        release.upgrade(values, wait=False)
        assert "sha256" in eventually(lambda: refusal(release, before.metadata.uid), what="the refusal").lower()
        assert before.metadata.uid in {pod.metadata.uid for pod in release.kube.ready_pods(component="featurizer")}
    finally:
        release.upgrade({})
    stream.wait_sent(20)
    release.verify("models with a wrong sha256", stream)


def refusal(release: Release, old: str) -> str:
    """What the new pod's init container said, once it has failed."""
    for pod in release.kube.pods(component="featurizer"):
        for status in pod.status.init_container_statuses or []:
            failed = status.state.terminated or (status.last_state and status.last_state.terminated)
            if pod.metadata.uid != old and failed and failed.exit_code:
                return release.kube.kubectl("logs", pod.metadata.name, "-c", status.name)
    return ""


def test_models_from_a_claim(release: Release) -> None:
    kube, claim = release.kube, "models"
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    pod: dict[str, Any] = manifest(f"sightline/stream-joiner:{release.tag}", "filler")
    pod["spec"]["volumes"].append({"name": "models", "persistentVolumeClaim": {"claimName": claim}})
    pod["spec"]["containers"][0]["volumeMounts"].append({"name": "models", "mountPath": "/models"})
    pod["spec"]["securityContext"]["fsGroup"] = 10001
    kube.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim}, "spec": spec}, pod)
    kube.wait_ready(1, app="filler")
    unpack(kube, "filler", archive_of(MODELS), "/models")
    kube.kubectl("delete", "pod", "filler")
    stream = release.stream("models-from-a-claim")
    with release.changed({"models": {"source": "pvc", "pvc": {"claimName": claim}}}):
        stream.wait_sent(30)
    release.verify("models from a claim", stream)
    kube.kubectl("delete", "pvc", claim)
