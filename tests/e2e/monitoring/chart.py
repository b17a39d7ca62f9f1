"""Every query in the chart: of dashboards, of the rules, of scalers. Rendered by Helm with all of them switched on."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import yaml

CHART = Path(__file__).resolve().parents[3] / "helm" / "sightline"
NAMESPACE, RELEASE = "vision", "sightline"

EVERYTHING = {
    "monitoring.serviceMonitors.enabled": "true",
    "monitoring.prometheusRule.enabled": "true",
    "monitoring.dashboards.enabled": "true",
    "streamJoiner.scaling.type": "keda",
    "featurizer.scaling.type": "keda",
    "featurizer.pools.gpu.enabled": "true",
}

VARIABLES = {
    "__rate_interval": "1m", "__interval": "15s", "__range": "5m",
    "namespace": NAMESPACE, "pipeline": ".*", "pool": ".*", "model": ".*", "job": ".*", "rule": ".*", "pod": ".*",
}  # fmt: skip
"""What Grafana puts in for `$name`."""


class Query(NamedTuple):
    """`where` is for a person: a file and a panel, an alert, a scaler."""

    where: str
    expression: str


def rendered() -> list[dict[str, Any]]:
    settings = [f"--set={name}={value}" for name, value in EVERYTHING.items()]
    argv = ["helm", "template", RELEASE, str(CHART), f"--namespace={NAMESPACE}", "--kube-version=1.34.0", *settings]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def rules(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The groups of all PrometheusRules."""
    return [group for each in objects if each["kind"] == "PrometheusRule" for group in each["spec"]["groups"]]


def scalers(objects: list[dict[str, Any]]) -> list[Query]:
    return [
        Query(each["metadata"]["name"], trigger["metadata"]["query"])
        for each in objects
        if each["kind"] == "ScaledObject"
        for trigger in each["spec"]["triggers"]
        if trigger["type"] == "prometheus"
    ]


def dashboards(objects: list[dict[str, Any]]) -> list[Query]:
    """Of every panel, rows' own panels included."""
    found = []
    for each in objects:
        for file, text in each.get("data", {}).items() if each["kind"] == "ConfigMap" else ():
            if file.endswith(".json") and "dashboard" in each["metadata"]["name"]:
                found += [
                    Query(f"{file}: {panel.get('title')}", filled_in(target["expr"]))
                    for panel in _panels(json.loads(text)["panels"])
                    for target in panel.get("targets", [])
                ]
    return found


def _panels(panels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for panel in panels for each in (panel, *_panels(panel.get("panels", [])))]


def filled_in(expression: str) -> str:
    """Raises KeyError for a variable that no dashboard had so far."""
    return re.sub(r"\$\{?(\w+)(?::\w+)?\}?", lambda found: VARIABLES[found[1]], expression)


def measured(expression: str) -> str:
    """Of an alert's condition what is compared: that must be there for the comparison to mean anything."""
    return re.sub(r"\s*(?:[<>!=]=|[<>])\s*[\d.e+-]+\s*$", "", expression)
