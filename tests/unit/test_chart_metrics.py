"""Every metric and label that a dashboard, a rule or a scaler names is exported by the code."""

import json
import re
from collections.abc import Iterable

import pytest
from prometheus_client import CollectorRegistry

from services.alerting.metrics import Metrics as AlertingMetrics
from services.featurizer.metrics import Metrics as FeaturizerMetrics
from services.stream_joiner.metrics import Metrics as JoinerMetrics
from tests.unit.chart import dashboards, queries

SCRAPE_LABELS = {"job", "namespace", "pod", "instance", "sightline_dev_pool"}
"""Put on by Prometheus: the ServiceMonitors make `job` the component and carry the pool's label over."""

NOT_OURS = {"up": set[str](), "kube_pod_status_ready": {"condition"}}
"""Prometheus' own, and kube-state-metrics'."""


def exported() -> dict[str, set[str]]:
    """Series by name, with their labels."""
    registry = CollectorRegistry()
    AlertingMetrics([], registry)
    series: dict[str, set[str]] = {}
    for each in (registry, _featurizer(), _joiner()):
        for collector, names in each._collector_to_names.items():
            labels: Iterable[str] = getattr(collector, "_labelnames", None) or getattr(collector, "_names", None) or ()
            # Latencies says no names in advance.
            ends = ("_bucket", "_sum", "_count")
            for name in names or [getattr(collector, "_name", "") + end for end in ends]:
                series[name] = set(labels) | ({"le"} if name.endswith("_bucket") else set())
    return series


def _featurizer() -> CollectorRegistry:
    FeaturizerMetrics(registry := CollectorRegistry())
    return registry


def _joiner() -> CollectorRegistry:
    JoinerMetrics("p", registry := CollectorRegistry())
    return registry


SERIES = exported() | NOT_OURS
NAME = re.compile(r"\b(sightline_(?!dev_pool)[a-z_]+|kube_[a-z_]+|up(?=\{))")


@pytest.mark.parametrize(("where", "query"), list(queries()), ids=lambda case: case[:40])
def test_query_names_what_is_exported(where, query):
    names = set(NAME.findall(query))
    assert names, query
    assert names <= set(SERIES), f"{where}: not exported: {names - set(SERIES)}"
    labels = set[str]().union(*(SERIES[name] for name in names)) | SCRAPE_LABELS
    for name, selector in re.findall(NAME.pattern + r"\{([^}]*)\}", query):
        matched = set(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", selector))
        assert matched <= SERIES[name] | SCRAPE_LABELS, f"{where}: {name} has no label {matched - SERIES[name]}"
    for grouped in re.findall(r"\bby \(([^)]*)\)", query):
        used = {each.strip() for each in grouped.split(",")}
        assert used <= labels, f"{where}: no series has {used - labels}"


@pytest.mark.parametrize(("where", "query"), list(queries()), ids=lambda case: case[:40])
def test_query_is_aggregated(where, query):
    """A scaler or an alert that gets a series a pod acts on one of them."""
    assert re.search(r"\b(sum|max|min|avg|count)\b", query), where


@pytest.mark.parametrize("path", dashboards(), ids=lambda path: path.stem)
def test_dashboard_is_one(path):
    board = json.loads(path.read_text())
    assert board["uid"] and board["title"] and board["schemaVersion"] >= 36
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    for panel in board["panels"]:
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            assert panel["fieldConfig"]["defaults"].get("unit"), panel["title"]
            assert panel["description"], panel["title"]
    cells = [
        (x, y)
        for panel in board["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells)), "panels overlap"
    assert max(x for x, _ in cells) < 24


def test_there_is_a_dashboard():
    assert [path.stem for path in dashboards()] == ["sightline"]
