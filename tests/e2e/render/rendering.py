"""The chart as Helm renders it: the cases, and a manifest as objects."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
CHART = ROOT / "helm" / "sightline"
HERE = Path(__file__).resolve().parent
KUBERNETES = "1.34.4"
RELEASE = "sightline"
NAMESPACE = "render"
TIMEOUT_S = 120

Manifest = dict[str, Any]

# Of the defaults.
JOINER = ("StatefulSet", "sightline-stream-joiner-find-bond")
FEATURIZER = ("Deployment", "sightline-featurizer-cpu")
ALERTING = ("Deployment", "sightline-alerting")
KAFKA = ("StatefulSet", "sightline-kafka")

GPU = {"featurizer": {"pools": {"gpu": {"enabled": True}}}}
"""Values that switch the GPU pool on."""


class HelmError(AssertionError):
    """What Helm said."""


def helms() -> list[str]:
    """Every Helm that is in PATH: `helm`, and `helm3` or `helm4` beside it."""
    return [name for name in ("helm", "helm3", "helm4") if shutil.which(name)]


def cases() -> list[Path | None]:
    """The chart's overlays and the tests' own values; None is the defaults."""
    return [None, *sorted((CHART / "values").glob("*.yaml")), *sorted((HERE / "values").glob("*.yaml"))]


def case_name(case: Path | None) -> str:
    return case.stem if case else "defaults"


def helm(*arguments: str, program: str = "helm", stdin: str = "") -> str:
    """Its output. Raises HelmError."""
    done = subprocess.run(
        [program, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        env={**os.environ, "HELM_NO_PLUGINS": "1"},
    )
    if done.returncode:
        raise HelmError(done.stderr.strip())
    return done.stdout


def template(case: Path | None = None, *arguments: str, values: Any = None, program: str = "helm") -> str:
    """What would be sent to a cluster. `values` go on top of the case's."""
    return _template(case, arguments, yaml.safe_dump(values) if values is not None else "", program)


@lru_cache(maxsize=256)
def _template(case: Path | None, arguments: tuple[str, ...], values: str, program: str) -> str:
    where = (f"--namespace={NAMESPACE}", f"--kube-version={KUBERNETES}")
    given = ["--values", str(case)] if case else []
    given += ["--values", "-"] if values else []
    return helm("template", RELEASE, str(CHART), *where, *given, *arguments, program=program, stdin=values)


def render(case: Path | None = None, *arguments: str, values: Any = None, program: str = "helm") -> list[Manifest]:
    return [each for each in yaml.safe_load_all(template(case, *arguments, values=values, program=program)) if each]


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [each for each in manifests if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    return [each for each in manifests if each["kind"] == kind]


def pods(manifests: list[Manifest]) -> Iterator[Manifest]:
    """The pods that the workloads would make, one of each."""
    for each in manifests:
        if each["kind"] == "Pod":
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": each["metadata"], "spec": each["spec"]}
        elif each["kind"] in ("Deployment", "StatefulSet", "Job"):
            made = each["spec"]["template"]
            claims = [
                {"name": claim["metadata"]["name"], "persistentVolumeClaim": {"claimName": "any"}}
                for claim in each["spec"].get("volumeClaimTemplates", [])
            ]
            yield {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"{each['metadata']['name']}-0", **made["metadata"]},
                "spec": {
                    "restartPolicy": "Always",
                    **made["spec"],
                    "volumes": [*made["spec"].get("volumes", []), *claims],
                },
            }


def containers(pod: Manifest) -> list[Manifest]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def environment(container: Manifest) -> dict[str, str]:
    return {each["name"]: each.get("value", f"from {each.get('valueFrom')}") for each in container["env"]}
