"""What ConfigMaps hold and commands are given, read by the product's own readers."""

import argparse
import base64
import importlib
from pathlib import Path

import pytest
import yaml

from sightline.cli import topics
from sightline.query.pipeline import PipelineFile
from tests.e2e.render.rendering import CHART, KAFKA, ROOT, case_name, cases, containers, named, of_kind, pods, render

every_case = pytest.mark.parametrize("case", cases(), ids=case_name)


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
