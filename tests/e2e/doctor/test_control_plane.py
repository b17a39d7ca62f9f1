"""The doctor against a real API server and scheduler whose nodes kwok plays: pods are ready at once, without a process.

So it sees every object as it is, and must say that it could not look into the pods.
"""

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.doctor.command import Diagnosis, diagnose, run
from tests.e2e.doctor.objects import RELEASE, labels, release, tls_secret, workload
from tests.e2e.kube import Kube, eventually
from tests.e2e.scheduling.nodes import nodes

NOW = ("--seconds", "0")


@pytest.fixture(scope="module")
def node(fake_kubeconfig: Path) -> Iterator[Path]:
    kube = Kube(fake_kubeconfig, "default")
    with nodes(kube, cpu=1):
        yield fake_kubeconfig
    kube.close()


@pytest.fixture
def kube(node: Path) -> Iterator[Kube]:
    """A namespace of the test's own, which ends by itself afterwards."""
    kube = Kube(node, f"doctor-{uuid.uuid4().hex[:6]}")
    kube.create_namespace()
    yield kube
    kube.core.delete_namespace(kube.namespace)
    kube.close()


def looked(kube: Kube) -> Diagnosis:
    return diagnose(kube.kubeconfig, kube.namespace, *NOW)


def until(kube: Kube, *words: str) -> Diagnosis:
    """The first diagnosis in which each of the words stands: the cluster takes its time to notice."""

    def complete() -> Diagnosis | None:
        found = looked(kube)
        return found if all(word in str(found.findings) for word in words) else None

    return eventually(complete, 60, f"a diagnosis with {words}")


def test_a_release_that_runs_has_nothing_wrong_but_what_kwok_can_not_show(kube: Kube) -> None:
    kube.apply(tls_secret("alerting-tls", 60), *release(secret="alerting-tls"))
    kube.wait_ready(3)
    found = looked(kube)
    assert found.of("pods") == found.of("certificates") == []
    unseen = {subject.rpartition("-")[0] or subject for _, subject, _ in found.of("not checked")}
    assert "topics" in {subject for _, subject, _ in found.of("not checked")} and len(unseen) >= 2
    assert found.code == 1


def test_what_is_wrong_is_found_and_said_in_one_line_each(kube: Kube) -> None:
    gpu = workload("Deployment", f"{RELEASE}-featurizer-gpu", labels("featurizer", pool="gpu"), gpus=1)
    refused = workload(
        "StatefulSet", f"{RELEASE}-stream-joiner-other", labels("stream-joiner", pipeline="other"), root=True
    )
    kube.apply(tls_secret("alerting-tls", 5), gpu, refused, *release(secret="alerting-tls"))
    found = until(kube, "Insufficient nvidia.com/gpu", "violates PodSecurity", "expires in")
    said = {subject: (severity, what) for severity, subject, what in found.of("pods")}
    (pending,) = (severity for subject, (severity, _) in said.items() if "featurizer-gpu" in subject)
    assert pending == "warning", "the CPU pool serves"
    assert said[f"{RELEASE}-stream-joiner-other"][0] == "broken"
    assert [(severity, subject) for severity, subject, _ in found.of("certificates")] == [("warning", "alerting-tls")]
    assert found.code == 2 and not found.errors
    plain = run(kube.kubeconfig, "--namespace", kube.namespace, "--release", RELEASE, *NOW)
    assert plain.returncode == 2 and "\x1b" not in plain.stdout
    lines = plain.stdout.splitlines()
    assert len(lines) == 1 + len(found.findings) and lines[1].startswith("BROKEN ") and " -> " in lines[1]


def test_a_service_without_pods_is_broken(kube: Kube) -> None:
    kube.apply(*release())
    kube.wait_ready(3)
    kube.kubectl("scale", "deployment", f"{RELEASE}-featurizer-cpu", "--replicas=0")
    kube.wait_ready(0, component="featurizer")
    found = looked(kube)
    assert found.of("pods") == [("broken", f"{RELEASE}-featurizer-cpu", "no featurizer runs")]
    assert found.code == 2


def test_a_release_that_is_not_there_is_answered_with_those_that_are(kube: Kube) -> None:
    def errors(*arguments: str) -> str:
        done = run(kube.kubeconfig, *arguments)
        assert done.returncode == 3 and not done.stdout
        return done.stderr

    kube.apply(workload("Deployment", "one-alerting", labels("alerting", "one"), replicas=0))
    assert f"{kube.namespace}/one" in (said := errors("--namespace", "default")) and "choose with --namespace" in said
    assert "no release two" in (said := errors("--namespace", kube.namespace, "--release", "two")) and "one" in said
    kube.apply(workload("Deployment", "two-alerting", labels("alerting", "two"), replicas=0))
    assert "several releases" in (said := errors("--namespace", kube.namespace)) and "one, two" in said


def test_missing_rights_are_named(kube: Kube, tmp_path: Path) -> None:
    kube.apply(*release())
    kube.wait_ready(3)
    anybody = as_service_account(kube, tmp_path / "anybody")
    done = run(anybody, "--namespace", kube.namespace, *NOW)
    assert done.returncode == 3 and "you may not list deployments" in done.stderr
    kube.kubectl("create", "role", "looker", "--verb=list", "--resource=pods,deployments.apps,statefulsets.apps")
    kube.kubectl("create", "rolebinding", "looker", "--role=looker", f"--serviceaccount={kube.namespace}:default")
    found = eventually(
        lambda: each if (each := diagnose(anybody, kube.namespace, *NOW)).code != 3 else None, 30, "the rights"
    )
    missing = {subject: what for _, subject, what in found.of("not checked")}
    assert found.of("pods") == [] and found.code == 1
    for what in ("jobs", "ConfigMaps", "events"):
        assert "you may not list" in missing[what]
    metrics = {what for subject, what in missing.items() if subject.startswith("metrics of")}
    assert metrics == {"you may not create pods/portforward"}


def as_service_account(kube: Kube, path: Path) -> Path:
    """A kubeconfig of somebody without rights."""
    token = kube.kubectl("create", "token", "default").strip()
    settings = yaml.safe_load(kube.kubeconfig.read_text())
    settings["users"] = [{"name": settings["users"][0]["name"], "user": {"token": token}}]
    path.write_text(yaml.safe_dump(settings))
    return path


def test_without_a_cluster_it_says_so(tmp_path: Path, fake_kubeconfig: Path) -> None:
    done = run(tmp_path / "none")
    assert done.returncode == 3 and "set KUBECONFIG" in done.stderr and "Traceback" not in done.stderr
    settings = yaml.safe_load(fake_kubeconfig.read_text())
    settings["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "gone").write_text(yaml.safe_dump(settings))
    done = run(tmp_path / "gone")
    assert done.returncode == 3 and "does not answer" in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_its_help_has_examples_and_exit_codes() -> None:
    done: subprocess.CompletedProcess[str] = run("none", "--help")
    for words in ("examples:", "--namespace vision --release bond", "exit code:", "pods/portforward"):
        assert words in done.stdout
