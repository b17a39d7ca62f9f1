"""A real Prometheus that scrapes processes as it would scrape pods: with their namespace, job, pod and pool."""

import json
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.processes import Process, free_port

SCRAPE_S = 1
BINARY = "prometheus"

Series = tuple[dict[str, str], float]


class Prometheus(Process):
    """`targets`: the labels of each host:port. Groups of rules are evaluated each second, without a `for`."""

    def __init__(self, directory: Path, targets: Mapping[str, Mapping[str, str]], groups: list[dict[str, Any]]) -> None:
        self._url = f"http://127.0.0.1:{(port := free_port())}"
        rules, config = directory / "rules.yaml", directory / "prometheus.yaml"
        rules.write_text(yaml.safe_dump({"groups": [_at_once(each) for each in groups]}))
        jobs: dict[str, list[dict[str, Any]]] = {}
        for address, labels in targets.items():
            more = {name: value for name, value in labels.items() if name != "job"}
            jobs.setdefault(labels["job"], []).append({"targets": [address], "labels": more})
        scrape = [{"job_name": job, "static_configs": each} for job, each in jobs.items()]
        whole = {
            "global": {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": f"{SCRAPE_S}s"},
            "rule_files": [str(rules)],
            "scrape_configs": scrape,
        }
        config.write_text(yaml.safe_dump(whole))
        flags = {
            "config.file": config,
            "storage.tsdb.path": directory / "tsdb",
            "web.listen-address": f"127.0.0.1:{port}",
            "query.lookback-delta": f"{10 * SCRAPE_S}s",
        }
        argv = [BINARY, *(f"--{name}={value}" for name, value in flags.items())]
        super().__init__("prometheus", argv, directory / "prometheus.log")

    def ready(self) -> bool:
        try:
            return bool(self._get("/-/ready"))
        except OSError:
            return False

    def query(self, expression: str) -> list[Series]:
        """Labels and value of each series of an instant query; raises HTTPError where it is not understood."""
        answer = json.loads(self._get(f"/api/v1/query?{urllib.parse.urlencode({'query': expression})}"))
        found = answer["data"]["result"]
        if answer["data"]["resultType"] == "scalar":
            return [({}, float(found[1]))]
        return [(each["metric"], float(each["value"][1])) for each in found]

    def firing(self) -> dict[str, list[dict[str, str]]]:
        """Labels of the alerts that fire, by name."""
        found: dict[str, list[dict[str, str]]] = {}
        for each in json.loads(self._get("/api/v1/alerts"))["data"]["alerts"]:
            if each["state"] == "firing":
                found.setdefault(each["labels"]["alertname"], []).append(each["labels"])
        return found

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self._url + path, timeout=10) as answer:
            return bytes(answer.read())


def _at_once(group: dict[str, Any]) -> dict[str, Any]:
    waits = ("for", "keep_firing_for")
    rules = [{name: value for name, value in rule.items() if name not in waits} for rule in group["rules"]]
    return {"name": group["name"], "rules": rules}
