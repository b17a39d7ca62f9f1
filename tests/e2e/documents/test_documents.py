"""What the documents tell a user of the chart to type: Helm takes it, and what kubectl is asked for is there by name.

Needs Helm, no cluster. That the same commands work on one is tested on one.
"""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.flow.test_documentation import commands

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = ("docs/kubernetes.md", "docs/operations.md", "helm/sightline/README.md")
NOT_RENDERED = ("helm test", "helm rollback", "helm uninstall")
PIPELINE = (ROOT / "pipelines/find-bond.yaml").read_text().replace("name: find-bond", "name: doors")
RULES = (ROOT / "rules/find-bond.yaml").read_text().replace("pipeline: find-bond", "pipeline: doors")

pytestmark = [
    pytest.mark.skipif(not shutil.which("helm"), reason="helm is not found"),
    pytest.mark.skipif(not (ROOT / "helm/sightline").is_dir(), reason="the chart is not here"),
]


def yaml_blocks(document: str) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```", (ROOT / document).read_text(), re.M | re.S)


def rendered(*arguments: str, folder: Path = ROOT) -> list[dict[str, Any]]:
    argv = ["helm", "template", "sightline", str(ROOT / "helm/sightline"), "--kube-version=1.34.0", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=folder, timeout=60, check=False)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return [each for each in yaml.safe_load_all(done.stdout) if each]


HELM = sorted({each for name in DOCUMENTS for each in commands(name) if re.match(r"helm (install|upgrade)", each)})


@pytest.mark.parametrize("command", HELM)
def test_helm_takes_what_is_told(command: str, tmp_path: Path) -> None:
    (tmp_path / "helm").symlink_to(ROOT / "helm")
    (tmp_path / "doors.yaml").write_text(PIPELINE)
    for rules in ("door-rules.yaml", "rules.yaml"):
        (tmp_path / rules).write_text(RULES)
    (tmp_path / "places.yaml").write_text(next(each for each in yaml_blocks("docs/kubernetes.md") if "rows:" in each))
    words = shlex.split(command)
    at = words.index("helm/sightline")
    assert words[at - 1] == "sightline"
    ignored = ("--reuse-values", "--wait", "--timeout", "5m")
    objects = rendered(*(each for each in words[at + 1 :] if each not in ignored), folder=tmp_path)
    if "pipelines.doors" in command:
        assert "sightline-stream-joiner-doors" in names(objects, "StatefulSet")


def test_helm_commands_are_known() -> None:
    for document in DOCUMENTS:
        for command in commands(document):
            assert not command.startswith("helm ") or command in HELM or command.startswith(NOT_RENDERED), command


@pytest.mark.parametrize("block", yaml_blocks("docs/kubernetes.md"))
def test_values_shown_are_taken(block: str, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(block.replace("5f2d…", "5f2d" * 16))
    rendered(f"--values={tmp_path / 'values.yaml'}")


def test_what_kubectl_is_asked_for_is_made_by_the_chart() -> None:
    objects = rendered()
    there = {f"service/{name}" for name in names(objects, "Service")}
    there |= {f"deployment/{name}" for name in names(objects, "Deployment")}
    for each in names(objects, "StatefulSet"):
        there |= {f"statefulset/{each}", f"pod/{each}-0"}
    there |= {f"pod/{name}" for name in names(objects, "Pod")}
    claims = {
        f"pvc/{claim['metadata']['name']}-{each['metadata']['name']}-0"
        for each in objects
        if each["kind"] == "StatefulSet"
        for claim in each["spec"].get("volumeClaimTemplates", [])
    }
    for document in DOCUMENTS:
        for command in commands(document):
            text = re.sub(r"\b(pvc|pod) (sightline|data)", r"\1/\2", command)
            for asked in re.findall(r"\b(?:service|pod|statefulset|deployment|pvc)/[\w-]+", text):
                assert asked in there | claims, command


def names(objects: list[dict[str, Any]], kind: str) -> set[str]:
    return {each["metadata"]["name"] for each in objects if each["kind"] == kind}
