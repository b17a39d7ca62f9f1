"""Building images, but for the building: names, what stops it, what it would run, what layers weigh."""

import gzip
import io
import json
import re
import tarfile
from pathlib import Path

import pytest

from tools.images import ImagesError, build, engines, find_engine, image_name, save
from tools.images.__main__ import main
from tools.images.targets import BASE, KAFKA_VERSION, PRODUCT, TARGETS
from tools.images.weight import weigh


class Recorder:
    """An engine that remembers what it was asked."""

    name = "recorder"

    def __init__(self) -> None:
        self.built: list[tuple[str, str | None, dict[str, str]]] = []
        self.fetched: list[str] = []

    def refusal(self):
        return None

    def fetch(self, image):
        self.fetched.append(image)

    def build(self, target, image, labels, base=None):
        self.built.append((image, base, dict(labels)))

    def save(self, image, path):
        path.write_text(image)

    def layers(self, image):
        return []


def test_images_are_named_as_a_chart_names_them():
    assert [image_name(each, "1.2") for each in PRODUCT] == [
        "sightline/stream-joiner:1.2",
        "sightline/featurizer-cpu:1.2",
        "sightline/featurizer-gpu:1.2",
        "sightline/alerting:1.2",
        "sightline/models:1.2",
    ]
    assert image_name("kafka", "1.2") == f"apache/kafka:{KAFKA_VERSION}"


def test_targets_are_stages_of_the_dockerfile_and_contexts_its_stages(root):
    stages = {each: set(re.findall(r"^FROM \S+ AS (\S+)$", each.read_text(), re.MULTILINE)) for each in dockerfiles()}
    for target in TARGETS.values():
        assert {target.stage, *target.contexts} - {None} <= stages[target.dockerfile]


def test_every_base_is_the_one_named(root):
    for each in dockerfiles():
        assert f"ARG BASE={BASE}\n" in each.read_text()


def test_the_stand_in_has_the_version_of_the_jars(root):
    assert f"<kafka.version>{KAFKA_VERSION}</kafka.version>" in (root / "tools/kafka/pom.xml").read_text()


def test_an_image_is_labelled_with_its_tag_and_commit():
    engine = Recorder()
    assert build(["alerting"], "dev", engine, "mine@sha256:0") == ["sightline/alerting:dev"]
    ((image, base, labels),) = engine.built
    assert (image, base, engine.fetched) == ("sightline/alerting:dev", "mine@sha256:0", ["mine@sha256:0"])
    assert labels["org.opencontainers.image.version"] == "dev"
    assert labels["org.opencontainers.image.revision"]


def test_nothing_is_built_where_one_target_is_unknown():
    engine = Recorder()
    with pytest.raises(ImagesError, match="no target 'alertin'"):
        build(["stream-joiner", "alertin"], "dev", engine)
    assert engine.built == []


def test_a_missing_context_names_what_makes_it(monkeypatch, tmp_path):
    monkeypatch.setitem(TARGETS, "models", TARGETS["models"]._replace(contexts={"exported-models": tmp_path / "none"}))
    with pytest.raises(ImagesError, match="run `make models` first"):
        build(["models"], "dev", Recorder())


def test_an_archive_appears_whole(tmp_path):
    save("alerting", "dev", tmp_path / "new" / "alerting.tar", Recorder())
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["alerting.tar"]
    assert (tmp_path / "new/alerting.tar").read_text() == "sightline/alerting:dev"


def test_without_an_engine_each_one_says_why(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ImagesError, match=r"nothing here builds images; docker: not installed; buildah: not installed"):
        find_engine()
    assert main(["build"]) == 2
    assert "nothing here builds images" in capsys.readouterr().err


def test_an_engine_that_was_asked_for_is_the_only_one_tried(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ImagesError, match=r"images; buildah: not installed$"):
        find_engine("buildah")
    with pytest.raises(ImagesError, match="no engine 'podman'"):
        find_engine("podman")


@pytest.mark.parametrize("engine", engines.ENGINES, ids=lambda each: each.name)
def test_engines_run_the_same_build(monkeypatch, engine):
    ran: list[list[str]] = []
    monkeypatch.setattr(engines, "_run", ran.append)
    engine.build(TARGETS["models"], "sightline/models:dev", {"a": "b"}, "base@sha256:0")
    (command,) = ran
    assert command[-1] == str(TARGETS["models"].context)
    text = " ".join(command)
    for flag in (
        "--target models",
        "--build-context exported-models=",
        "--label a=b",
        "--build-arg BASE=base@sha256:0",
    ):
        assert flag in text


def test_layers_weigh_what_gzip_makes_of_them(tmp_path):
    plain, packed = b"text " * 100_000, gzip.compress(b"other")
    archive = tmp_path / "image.tar"
    manifest = json.dumps([{"Layers": ["a", "b", "c"]}]).encode()
    with tarfile.open(archive, "w") as files:
        for name, content in (("manifest.json", manifest), ("a", plain), ("b", packed), ("c", plain)):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            files.addfile(entry, io.BytesIO(content))
    found = weigh(archive, ["1", "2", "3"], {"3": 7})
    assert found == {"1": pytest.approx(len(gzip.compress(plain, 6)), abs=32), "2": len(packed)}


def dockerfiles() -> set[Path]:
    return {each.dockerfile for each in TARGETS.values()}
