"""skaffold.yaml: valid by its own schema, and what it names is there."""

import copy
import json
import re
import shutil
import subprocess
from typing import Any

import jsonschema
import pytest
import yaml

from tests.e2e.render import crds
from tests.e2e.render.rendering import ROOT, of_kind, pods, render

MODULE = "github.com/GoogleContainerTools/skaffold/v2@v2.16.1"
TIMEOUT_S = 120
SERVICES = ["stream-joiner", "featurizer-gpu", "featurizer-cpu", "alerting", "models"]


def profile(name: str) -> dict[str, Any]:
    """The configuration with a profile's patches, as JSON patch adds them."""
    config = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
    (found,) = [each for each in config["profiles"] if each["name"] == name]
    config = copy.deepcopy(config)
    for patch in found["patches"]:
        assert patch["op"] == "add"
        *way, last = patch["path"].strip("/").split("/")
        place: Any = config
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if isinstance(place, list):
            place.insert(len(place) if last == "-" else int(last), patch["value"])
        else:
            place[last] = patch["value"]
    assert isinstance(config, dict)
    return config


def schema() -> Any:
    try:
        return json.loads((crds.module(MODULE) / "docs-v2/content/en/schemas/v4beta13.json").read_text())
    except crds.NotToBeHadError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_schema(name):
    jsonschema.Draft7Validator(schema()).validate(profile(name))


@pytest.mark.parametrize(("name", "left_out"), [("cpu", {"featurizer-gpu"}), ("gpu", set())])
def test_images_are_targets_in_the_flow_s_order(name, left_out):
    artifacts = profile(name)["build"]["artifacts"]
    assert [each["image"] for each in artifacts] == [f"sightline/{each}" for each in SERVICES if each not in left_out]
    targets = re.findall(r"(?m)^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text())
    assert {each["docker"]["target"] for each in artifacts} <= set(targets)
    for each in artifacts:
        for synced in each.get("sync", {}).get("manual", []):
            assert list(ROOT.glob(synced["src"])), synced


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_the_chart_takes_what_it_sets(name):
    """Each built image is one that the rendered pods run, and each forwarded port one that they have."""
    config = profile(name)
    (release,) = config["deploy"]["helm"]["releases"]
    given = {**release.get("setValues", {}), **release["setValueTemplates"]}
    images = {each["image"]: f"built-{number}" for number, each in enumerate(config["build"]["artifacts"])}
    arguments = [argument for file in release["valuesFiles"] for argument in ("--values", str(ROOT / file))]
    for key, value in given.items():
        for image, built in images.items():
            variable = re.sub(r"[^a-zA-Z0-9]", "_", image)
            value = value.replace(f"{{{{.IMAGE_REPO_{variable}}}}}", built).replace(
                f"{{{{.IMAGE_TAG_{variable}}}}}", "v1"
            )
        assert "{{" not in value, f"{key} is from an image that is not built"
        arguments += ["--set", f"{key}={value}"]
    manifests = render(None, *arguments)
    run = {each["image"] for pod in pods(manifests) for each in pod["spec"]["containers"]}
    run |= {each["image"] for pod in pods(manifests) for each in pod["spec"].get("initContainers", [])}
    assert {f"{built}:v1" for built in images.values()} <= run
    assert {image for image in run if not image.startswith("built-")} == {"apache/kafka:4.1.1"}
    for forward in config["portForward"]:
        kind = {"service": "Service", "statefulset": "StatefulSet"}[forward["resourceType"]]
        (target,) = [each for each in of_kind(manifests, kind) if each["metadata"]["name"] == forward["resourceName"]]
        assert str(forward["port"]) in str(target["spec"])


def test_synced_code_is_what_runs():
    """Where files are synced to is on the path of each service, and outlives the process."""
    for pod in pods(render(ROOT / "helm" / "sightline" / "values" / "dev.yaml")):
        container = pod["spec"]["containers"][0]
        if container["name"] not in ("stream-joiner", "featurizer", "alerting"):
            continue
        assert {"name": "PYTHONPATH", "value": "/code"} in container["env"]
        assert {"name": "code", "mountPath": "/code"} in container["volumeMounts"]
        assert {"name": "code", "emptyDir": {}} in pod["spec"]["volumes"]
        assert "code" in {each["name"] for each in pod["spec"]["initContainers"]}


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_skaffold_takes_it(name):
    if not shutil.which("skaffold"):
        pytest.skip("skaffold is not in PATH")
    done = subprocess.run(
        ["skaffold", "diagnose", "--yaml-only", f"--profile={name}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert not done.returncode, done.stderr
    built = [each["image"] for each in yaml.safe_load(done.stdout)["build"]["artifacts"]]
    assert built == [each["image"] for each in profile(name)["build"]["artifacts"]]
