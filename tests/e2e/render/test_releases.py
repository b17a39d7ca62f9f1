"""Installed and upgraded on an API server, and what the NOTES then say."""

import re
import subprocess
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.render.conftest import Kubectl
from tests.e2e.render.rendering import CHART, HERE, RELEASE, ROOT, Manifest, helm

PARTS = ("stream-joiner", "featurizer", "alerting", "kafka")


class Release:
    def __init__(self, kubectl: Kubectl) -> None:
        self._where = (f"--kubeconfig={kubectl.kubeconfig}", f"--namespace={kubectl.namespace}")

    def helm(self, *arguments: str, values: dict[str, Any] | None = None) -> str:
        return helm(*arguments, *self._where, stdin=yaml.safe_dump(values or {}))

    def notes(self, case: Path | None = None) -> str:
        given = ("--values", str(case)) if case else ()
        return self.helm("install", RELEASE, str(CHART), "--dry-run=server", *given).partition("NOTES:\n")[2]

    def manifests(self) -> list[Manifest]:
        return [each for each in yaml.safe_load_all(self.helm("get", "manifest", RELEASE)) if each]


@pytest.fixture
def release(namespace: Kubectl) -> Release:
    return Release(namespace)


SCALED = {"scaling": {"type": "hpa", "minReplicas": 2}}
STEPS: dict[str, dict[str, Any]] = {
    "other numbers": {"streamJoiner": {"replicas": 3}, "topics": {"definitions": {"events": {"partitions": 8}}}},
    "a GPU pool": yaml.safe_load((CHART / "values" / "gpu.yaml").read_text()),
    "scaled": {"streamJoiner": SCALED, "featurizer": SCALED},
    "the defaults again": {},
}


def test_upgrades(release: Release, namespace: Kubectl):
    """From one set of values to the next: no field is refused as immutable, and each Job is one."""
    release.helm("install", RELEASE, str(CHART))
    jobs = set()
    for values in STEPS.values():
        release.helm("upgrade", RELEASE, str(CHART), "--reset-values", "--values", "-", values=values)
        jobs |= set(namespace("get", "jobs", "-o", "name").split())
    assert len(jobs) >= 2
    assert release.helm("uninstall", RELEASE, "--wait").startswith("release")
    left = namespace("get", "all,configmap,serviceaccount,networkpolicy,pdb", "-o", "name").split()
    assert not [name for name in left if RELEASE in name and "pod/" not in name]


def previous_chart(folder: Path) -> Path:
    """The chart as of the newest tag with another version. Skips where there is none."""
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    tags = subprocess.run(
        ["git", "tag", "--list", "v*", "--sort=-version:refname"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    for tag in tags:
        done = subprocess.run(["git", "archive", tag, "helm/sightline"], cwd=ROOT, capture_output=True, check=False)
        if done.returncode:
            continue
        with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
            archive.extractall(folder, filter="data")
        chart = folder / "helm" / "sightline"
        if yaml.safe_load((chart / "Chart.yaml").read_text())["version"] != version:
            return chart
    pytest.skip(f"no tag has a chart of another version than {version}")


def test_upgrade_from_the_previous_version(release: Release, tmp_path: Path):
    release.helm("install", RELEASE, str(previous_chart(tmp_path)))
    release.helm("upgrade", RELEASE, str(CHART))


NAMES = {
    "service": re.compile(r"service/([a-z0-9-]+)"),
    "statefulset": re.compile(r"pod/([a-z0-9-]+)-0"),
    "claim": re.compile(r"delete pvc data-([a-z0-9-]+)-0"),
}


def check_notes(notes: str, manifests: list[Manifest], namespace: str) -> None:
    """Each object that they name is there, and each command is for the release's namespace."""
    there = {(each["kind"], each["metadata"]["name"]): each for each in manifests}
    for kind, pattern in NAMES.items():
        for name in pattern.findall(notes):
            assert ("Service" if kind == "service" else "StatefulSet", name) in there
    for name, forwards in re.findall(r"port-forward service/(\S+) ([\d: ]+)", notes):
        ports = {str(each["port"]) for each in there["Service", name]["spec"]["ports"]}
        assert {each.partition(":")[2] for each in forwards.split()} <= ports
    for line in notes.splitlines():
        if "kubectl " in line or "helm test" in line:
            assert f"--namespace {namespace}" in line
    for part in ("stream joiners", "featurizers"):
        (listed,) = re.findall(rf"{part}\s+(.+)", notes)
        for name in re.split(r", (?:then )?", listed):
            assert any(name == known for _, known in there), name


def test_notes(release: Release, namespace: Kubectl):
    release.helm("install", RELEASE, str(CHART), "--values", str(CHART / "values" / "gpu.yaml"))
    notes = release.helm("get", "notes", RELEASE)
    manifests = release.manifests()
    check_notes(notes, manifests, namespace.namespace)
    assert "sightline-featurizer-gpu, then sightline-featurizer-cpu" in notes
    # The labels by which they ask for logs do find the pods.
    pods = namespace("get", "pods", "--selector", f"app.kubernetes.io/instance={RELEASE}", "-o", "name")
    assert all(f"{RELEASE}-{part}" in pods for part in PARTS)
    assert "19092:19092" in notes


def test_notes_without_the_bundled_broker(release: Release, namespace: Kubectl, operators: Callable[[str], None]):
    operators("keda")
    notes = release.notes(HERE / "values" / "external.yaml")
    assert "one.example.com:9093" in notes and "port-forward pod/" not in notes and "pvc" not in notes
    assert f"helm test {RELEASE} --namespace {namespace.namespace}" in notes
