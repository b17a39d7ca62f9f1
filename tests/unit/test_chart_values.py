"""values.yaml, its schema, its README and the files that the chart carries agree with each other and with the code."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from pydantic_settings import BaseSettings

from demo.places import PLACES
from services.alerting.settings import Settings as AlertingSettings
from services.featurizer.settings import Settings as FeaturizerSettings
from services.stream_joiner.settings import Settings as JoinerSettings
from sightline import __file__ as library
from sightline.io.kafka import topics
from tests.unit.chart import CHART, ROOT, TEMPLATES, schema, template_files, values
from tools import chart_readme

SERVICES: list[tuple[str, str, type[BaseSettings]]] = [
    ("stream-joiner", "joinerSettings", JoinerSettings),
    ("featurizer", "featurizerSettings", FeaturizerSettings),
    ("alerting", "alertingSettings", AlertingSettings),
]
PREFIXES = {str(kind.model_config["env_prefix"]): kind for _, _, kind in SERVICES}


def test_values_meet_their_schema():
    jsonschema.Draft202012Validator(schema()).validate(values())


def objects(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        if "properties" in node and node.get("type") == "object":
            yield path, node
        for key, value in node.items():
            yield from objects(value, f"{path}/{key}")


def test_schema_is_closed_at_every_level():
    open_ones = [path for path, node in objects(schema()) if node.get("additionalProperties") is not False]
    assert not open_ones


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        (("streamJoiner", "replicsa"), "replicsa"),
        (("streamJoiner", "scaling", "keda", "lag"), "lag"),
        (("featurizer", "pools", "cpu", "settings", "batch_row_max"), "batch_row_max"),
        (("kafka", "external", "tls", "cakey"), "cakey"),
        (("topics", "definitions", "events", "partition"), "partition"),
        (("networkPolicy", "dns", "port"), "port"),
    ],
    ids=lambda case: ".".join(case) if isinstance(case, tuple) else "",
)
def test_misspelt_key_is_refused_with_its_path(path, fault):
    given = values()
    place = given
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = 1
    (error,) = jsonschema.Draft202012Validator(schema()).iter_errors(given)
    assert list(error.absolute_path) == list(path[:-1])
    assert repr(fault) in error.message


def test_every_value_is_described():
    text = (CHART / "values.yaml").read_text()
    names = {value.path for value in chart_readme.described(text)}
    assert not list(chart_readme.undescribed(yaml.safe_load(text), names))


def test_readme_is_fresh():
    assert chart_readme.main(["--check"]) == 0


def used_by_templates() -> str:
    return "\n".join(path.read_text() for path in [*template_files(), TEMPLATES / "NOTES.txt"])


def test_every_value_is_used():
    text = used_by_templates()
    unused = [
        value.name
        for value in chart_readme.described((CHART / "values.yaml").read_text())
        if not re.search(rf"\.{re.escape(value.path[-1])}\b", text)
    ]
    assert not unused


@pytest.mark.parametrize(("component", "definition", "kind"), SERVICES, ids=lambda case: str(case))
def test_schema_knows_the_services_settings(component, definition, kind):
    """Each setting can be given, but those that the chart sets by itself."""
    prefix = str(kind.model_config["env_prefix"])
    known = set(schema()["$defs"][definition]["properties"])
    by_chart = {name.lower() for name in re.findall(rf"{prefix}([A-Z_0-9]+)", used_by_templates())}
    unset = {"http_host", "grpc_host", "grpc_socket", "unix_socket", "instance", "featurizer_tls_name", "tls_client_ca"}
    fields = {name for name in kind.model_fields if not name.startswith("kafka_")}
    assert known | by_chart | unset >= fields
    assert known <= fields
    assert not known & by_chart


def test_environment_of_the_services_is_what_they_read():
    for prefix, name in re.findall(r"\b(SIGHTLINE_(?:JOINER|FEATURIZER|ALERTING)_)([A-Z_0-9]+)", used_by_templates()):
        if name.endswith("_"):  # a prefix that is passed on
            continue
        assert name.lower() in PREFIXES[prefix].model_fields, prefix + name


def test_kafka_login_is_what_the_services_read():
    """The variables that `sightline.kafka.env` makes from a prefix."""
    made = set(re.findall(r"\$prefix \}\}([A-Z_]+)", (TEMPLATES / "_kafka.tpl").read_text()))
    fields = {name for name in JoinerSettings.model_fields if name.startswith("kafka_")}
    assert {f"kafka_{name.lower()}" for name in made} == fields


def test_versions_are_the_product_s():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    pyproject = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{chart["version"]}"' in pyproject
    assert chart["appVersion"] == chart["version"]
    assert library


def test_files_are_the_repository_s():
    for folder in ("pipelines", "rules"):
        ours = {path.name: path.read_text() for path in (CHART / "files" / folder).iterdir()}
        assert ours == {path.name: path.read_text() for path in (ROOT / folder).glob("*.yaml")}
    rows = (CHART / "files" / "locations.jsonl").read_bytes().splitlines()
    assert rows == [msgspec.json.encode(place._asdict()) for place in PLACES]


def test_topics_are_the_product_s():
    """The chart's may bound what they keep, since the bundled broker's volume is small."""
    ours = values()["topics"]["definitions"]
    wanted = {topic.name: topic for topic in topics()}
    assert set(ours) == set(wanted)
    for name, topic in wanted.items():
        config = {key: str(value) for key, value in ours[name]["config"].items()}
        assert ours[name]["partitions"] == topic.partitions
        assert config.items() >= dict(topic.config).items()
        assert set(config) - set(topic.config) <= {"retention.ms", "retention.bytes", "segment.bytes"}


def test_bounds_of_topics_fit_the_bundled_volume():
    given = values()
    bytes_max = sum(
        topic["partitions"] * (topic["config"]["retention.bytes"] + topic["config"]["segment.bytes"])
        for topic in given["topics"]["definitions"].values()
        if "retention.bytes" in topic["config"]
    )
    assert bytes_max < 0.8 * int(given["kafka"]["persistence"]["size"].removesuffix("Gi")) * 2**30


def test_components_have_the_same_template_names():
    names = {
        each: {path.name for path in (TEMPLATES / each).iterdir()}
        for each in ("stream-joiner", "featurizer", "alerting")
    }
    workload = {"statefulset.yaml", "deployment.yaml"}
    shared = {"networkpolicy.yaml", "pdb.yaml", "service.yaml", "serviceaccount.yaml", "servicemonitor.yaml"}
    for each in names.values():
        assert each >= shared
        assert each - shared - workload <= {"configmap.yaml", "scaler.yaml"}
        assert len(each & workload) == 1
