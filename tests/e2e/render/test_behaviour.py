"""What the manifests say on purpose: who owns replicas, what restarts what, how long a pod may take to stop."""

import argparse
import base64
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from services.alerting.settings import Settings as AlertingSettings
from services.featurizer.settings import Settings as FeaturizerSettings
from services.stream_joiner.settings import Settings as JoinerSettings
from sightline.cli import topics
from sightline.query.pipeline import PipelineFile
from tests.e2e.render.rendering import (
    CHART,
    HERE,
    ROOT,
    Manifest,
    case_name,
    cases,
    containers,
    named,
    of_kind,
    pods,
    render,
)

SETTINGS: dict[str, type[BaseSettings]] = {
    "stream-joiner": JoinerSettings,
    "featurizer": FeaturizerSettings,
    "alerting": AlertingSettings,
}
JOINER, FEATURIZER, ALERTING, KAFKA = (
    ("StatefulSet", "sightline-stream-joiner-find-bond"),
    ("Deployment", "sightline-featurizer-cpu"),
    ("Deployment", "sightline-alerting"),
    ("StatefulSet", "sightline-kafka"),
)
GPU = {"featurizer": {"pools": {"gpu": {"enabled": True}}}}
every_case = pytest.mark.parametrize("case", cases(), ids=case_name)


def services(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest, Manifest]]:
    """Name, pod and container of each service."""
    for pod in pods(manifests):
        container = pod["spec"]["containers"][0]
        if container["name"] in SETTINGS:
            yield container["name"], pod, container


def environment(container: Manifest) -> dict[str, str]:
    return {each["name"]: each.get("value", f"from {each.get('valueFrom')}") for each in container["env"]}


@every_case
def test_services_accept_their_environment(case: Path | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The services' own settings are made of it; files that a cluster mounts are made here."""
    if "tls_key" not in AlertingSettings.model_fields and case_name(case) in (
        "production",
        "all-on",
        "external",
        "strimzi",
    ):
        pytest.skip("the services have no TLS settings")
    for name, pod, container in services(render(case)):
        kind = SETTINGS[name]
        prefix = str(kind.model_config["env_prefix"])
        ours = {key: value for key, value in environment(container).items() if key.startswith("SIGHTLINE_")}
        assert all(key.startswith(prefix) for key in ours)
        with monkeypatch.context() as patched:
            for key, value in ours.items():
                if value.startswith("/"):
                    assert any(value.startswith(mount["mountPath"]) for mount in container["volumeMounts"]), key
                    value = str(tmp_path / value.lstrip("/"))
                    Path(value).mkdir(parents=True, exist_ok=True)
                patched.setenv(key, value)
            settings = kind()
        fields = {key.removeprefix(prefix).lower() for key in ours}
        assert fields <= settings.model_fields_set, pod["metadata"]["name"]


@every_case
def test_pods_get_the_time_to_drain(case: Path | None):
    for name, pod, container in services(render(case)):
        drain_ms = int(environment(container)[f"SIGHTLINE_{name.split('-')[-1].upper()}_DRAIN_MS_MAX"])
        stop = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep", "0"])
        assert pod["spec"]["terminationGracePeriodSeconds"] >= int(stop[1]) + drain_ms / 1000 + 5


def test_probes():
    """Featurizers may take minutes to load; the others are judged by /healthz, as they wait for others."""
    budgets = {}
    for name, _, container in services(render()):
        start = container["startupProbe"]
        budgets[name] = (start["httpGet"]["path"], start["periodSeconds"] * start["failureThreshold"])
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert budgets == {
        "stream-joiner": ("/healthz", 120),
        "featurizer": ("/readyz", 300),
        "alerting": ("/healthz", 120),
    }


def test_the_joiner_has_a_name_that_lasts():
    joiner = named(render(), *JOINER)
    assert joiner["spec"]["podManagementPolicy"] == "Parallel"
    (instance,) = [
        each
        for each in joiner["spec"]["template"]["spec"]["containers"][0]["env"]
        if each["name"] == "SIGHTLINE_JOINER_INSTANCE"
    ]
    assert instance["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    # A Deployment's pods have new names each time: a group would wait for members that never come back.
    assert "SIGHTLINE_ALERTING_INSTANCE" not in str(render())


def scaled(kind: str) -> list[Manifest]:
    scaling = {"scaling": {"type": kind, "minReplicas": 2, "maxReplicas": 3}}
    return render(values={"streamJoiner": scaling, "featurizer": scaling})


@pytest.mark.parametrize(
    ("kind", "made", "least", "most"),
    [
        ("keda", "ScaledObject", "minReplicaCount", "maxReplicaCount"),
        ("hpa", "HorizontalPodAutoscaler", "minReplicas", "maxReplicas"),
    ],
)
def test_who_scales_owns_the_replicas(kind, made, least, most):
    manifests = scaled(kind)
    targets = {}
    for each in of_kind(manifests, made):
        target = each["spec"]["scaleTargetRef"]
        targets[target["kind"], target["name"]] = (each["spec"][least], each["spec"][most])
    assert targets == {JOINER: (2, 3), FEATURIZER: (2, 3)}
    for target in targets:
        assert "replicas" not in named(manifests, *target)["spec"]
    assert named(manifests, *ALERTING)["spec"]["replicas"] == 1


def test_scalers_ask_for_their_own():
    joiner, featurizer = sorted(
        of_kind(scaled("keda"), "ScaledObject"), key=lambda each: str(each["spec"]), reverse=True
    )
    queries = {each["spec"]["scaleTargetRef"]["name"]: each["spec"]["triggers"][0] for each in (joiner, featurizer)}
    lag = queries[JOINER[1]]["metadata"]["query"]
    assert lag.startswith("sum(") and 'pipeline="find-bond"' in lag and 'job="stream-joiner"' in lag
    queue = queries[FEATURIZER[1]]
    assert queue["metricType"] == "Value" and 'sightline_dev_pool="cpu"' in queue["metadata"]["query"]


def test_kafka_trigger_asks_the_brokers():
    triggers = {
        each["metadata"]["name"]: each["spec"]["triggers"][0]
        for each in of_kind(render(HERE / "values" / "external.yaml"), "ScaledObject")
    }
    assert triggers["sightline-stream-joiner-doors"]["metadata"]["consumerGroup"] == "sightline-joiner-doors"
    assert triggers["sightline-stream-joiner-doors"]["authenticationRef"] == {"name": "kafka-login"}
    assert "sightline-stream-joiner-gates" not in triggers  # overridden: not scaled


def address(manifests: list[Manifest]) -> str:
    (container,) = named(manifests, *JOINER)["spec"]["template"]["spec"]["containers"]
    return environment(container)["SIGHTLINE_JOINER_FEATURIZER_ADDRESS"]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({}, ["cpu"]),
        (GPU, ["gpu", "cpu"]),
        ({"featurizer": {"pools": {"gpu": {"enabled": True, "preference": 9}}}}, ["cpu", "gpu"]),
    ],
    ids=("cpu", "gpu first", "gpu last"),
)
def test_joiners_know_pools_by_preference(values, wanted):
    assert address(render(values=values)) == ",".join(f"sightline-featurizer-{pool}:8500" for pool in wanted)


def test_a_gpu_pool_of_one_does_not_wait_for_itself():
    """With one GPU a surge pod would wait for the old pod's, and the old pod for the surge pod."""
    pool = named(render(values=GPU), "Deployment", "sightline-featurizer-gpu")["spec"]
    assert pool["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    (container,) = pool["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert "nvidia.com/gpu" not in str(render())


def job(manifests: list[Manifest]) -> Manifest:
    (found,) = of_kind(manifests, "Job")
    return found


@pytest.mark.parametrize(
    ("values", "another"),
    [
        ({"topics": {"definitions": {"events": {"config": {"retention.ms": 1}}}}}, True),
        ({"locations": {"rows": [{"location_id": "x"}]}}, True),
        ({"image": {"tag": "2"}}, True),
        ({"topics": {"ttlSecondsAfterFinished": 5}}, False),
        ({"alerting": {"replicas": 2}}, False),
    ],
)
def test_another_spec_is_another_job(values, another):
    """A Job's spec can't be changed; one with the same spec need not run again."""
    before, after = job(render()), job(render(values=values))
    assert (before["metadata"]["name"] != after["metadata"]["name"]) is another
    assert (before["spec"]["template"] != after["spec"]["template"]) is another


def restarted(values: dict[str, Any]) -> set[str]:
    """The components whose pods a change replaces."""
    before, after = render(), render(values=values)
    return {
        name[1].removeprefix("sightline-")
        for name in (JOINER, FEATURIZER, ALERTING, KAFKA)
        if named(before, *name)["spec"]["template"] != named(after, *name)["spec"]["template"]
    }


def test_a_change_restarts_what_it_concerns():
    text = (ROOT / "pipelines" / "find-bond.yaml").read_text()
    rules = (ROOT / "rules" / "find-bond.yaml").read_text()
    pipelines = {"pipelines": {"find-bond": text + "# changed\n"}, "rules": {"find-bond": rules}}
    assert restarted(pipelines) == {"stream-joiner-find-bond", "alerting"}
    assert restarted({"rules": {"find-bond": rules + "# changed\n"}}) == {"alerting"}
    assert restarted({"kafka": {"config": {"log.retention.ms": 1}}}) == {"kafka"}
    assert restarted({"models": {"image": {"tag": "2"}}}) == {"featurizer-cpu"}
    assert restarted(GPU) == {"stream-joiner-find-bond"}
    assert restarted({"topics": {"definitions": {"events": {"config": {"retention.ms": 1}}}}}) == set()


def test_configuration_is_whole(tmp_path: Path):
    """Texts arrive as they are in the files: a pipeline is read by the joiner's own reader."""
    manifests = render()
    for name, folder in (("pipelines", "pipelines"), ("rules", "rules")):
        data = named(manifests, "ConfigMap", f"sightline-{name}")["data"]
        assert data == {path.name: path.read_text() for path in (ROOT / folder).glob("*.yaml")}
    text = named(manifests, "ConfigMap", "sightline-pipelines")["data"]["find-bond.yaml"]
    (path := tmp_path / "find-bond.yaml").write_text(text)
    assert PipelineFile(path).pipeline.name == "find-bond"
    rows = named(manifests, "ConfigMap", "sightline-locations")["data"]["locations.jsonl"]
    assert rows == (CHART / "files" / "locations.jsonl").read_text()
    photographs = named(manifests, "ConfigMap", "sightline-photographs")["binaryData"]
    given = (CHART / "files" / "photographs" / "rocket.jpg").read_bytes()
    assert base64.b64decode(photographs["rocket.jpg"]) == given and len(given) < 100_000


def test_topics_file():
    text = named(render(), "ConfigMap", "sightline-topics")["data"]["topics.yaml"]
    made = {each["name"]: each for each in yaml.safe_load(text)["topics"]}
    assert made["events"]["partitions"] == 4
    assert made["events"]["config"]["max.message.bytes"] == "5308416"  # not 5.308416e+06
    assert made["alerts"]["config"]["retention.ms"] == "-1"


class Parsed(Exception):  # noqa: N818
    """The command's own parser took the arguments, and it would begin now."""


@every_case
def test_commands_take_what_they_are_given(case: Path | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Those of the Job, init containers, the test and the demo producer."""
    parse_args = argparse.ArgumentParser.parse_args

    def parse(parser: argparse.ArgumentParser, given: list[str]) -> None:
        parse_args(parser, given)
        raise Parsed

    manifests = render(case)
    commands = [each["command"] for pod in pods(manifests) for each in containers(pod) if "command" in each]
    ours = [each[1:] for each in commands if each[0] == "sightline"]
    assert ours
    with monkeypatch.context() as patched:
        patched.setattr(argparse.ArgumentParser, "parse_args", parse)
        for command, *arguments in ours:
            with pytest.raises(Parsed):
                importlib.import_module(f"sightline.cli.{command}").main(arguments)
    if files := [each for each in of_kind(manifests, "ConfigMap") if "topics.yaml" in each.get("data", {})]:
        (path := tmp_path / "topics.yaml").write_text(files[0]["data"]["topics.yaml"])
        assert {each.name for each in topics.read(path)} >= {"events", "matches", "alerts", "dead-letters"}


def test_broker_runs_without_its_image_s_entrypoint():
    broker = named(render(), *KAFKA)["spec"]["template"]["spec"]
    (container,) = broker["containers"]
    assert container["command"][0] == "java"  # the first process, so it is what gets SIGTERM
    assert container["command"][-4:] == ["-cp", "/opt/kafka/libs/*", "kafka.Kafka", "/config/server.properties"]
    assert {each["name"] for each in broker["volumes"] if "emptyDir" in each} == {"logs", "tmp"}
    properties = named(render(), "ConfigMap", "sightline-kafka")["data"]["server.properties"]
    settings = dict(line.split("=", 1) for line in properties.splitlines() if line and line[0] != "#")
    assert settings["auto.create.topics.enable"] == "false"
    assert "FORWARD://localhost:19092" in settings["advertised.listeners"]
    assert "CLIENTS://sightline-kafka.render.svc:9092" in settings["advertised.listeners"]


@every_case
def test_certificates_name_who_is_called(case: Path | None):
    """A joiner checks the name of the pool's address against the certificate."""
    manifests = render(case)
    certificates = {each["metadata"]["name"]: each["spec"] for each in of_kind(manifests, "Certificate")}
    mounted = re.findall(r"'secretName': '([^']+)'", str(list(pods(manifests))))
    if not certificates:
        assert case_name(case) == "external" or not mounted
        return
    assert set(mounted) <= {each["secretName"] for each in certificates.values()}
    (server,) = [spec for name, spec in certificates.items() if name.endswith("-featurizer-tls")]
    (joiner,) = [each for name, _, each in services(manifests) if name == "stream-joiner"]
    hosts = [each.partition(":")[0] for each in environment(joiner)["SIGHTLINE_JOINER_FEATURIZER_ADDRESS"].split(",")]
    assert set(hosts) <= set(server["dnsNames"])
