"""The chart as its files are, without Helm."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "sightline"
TEMPLATES = CHART / "templates"


def values() -> dict[str, Any]:
    loaded = yaml.safe_load((CHART / "values.yaml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def schema() -> dict[str, Any]:
    """Raises AssertionError where a key is there twice."""
    loaded = json.loads((CHART / "values.schema.json").read_text(), object_pairs_hook=_once)
    assert isinstance(loaded, dict)
    return loaded


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({key for key, _ in pairs}) == len(pairs), [key for key, _ in pairs]
    return dict(pairs)


def template_files() -> list[Path]:
    return [path for path in sorted(TEMPLATES.rglob("*")) if path.suffix in (".yaml", ".tpl")]


def dashboards() -> list[Path]:
    return sorted((CHART / "files" / "dashboards").glob("*.json"))


def queries() -> Iterator[tuple[str, str]]:
    """Where it stands, and the PromQL: of dashboards, rules and scalers."""
    for path in dashboards():
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", []):
                yield f"{path.name}: {panel['title']}", target["expr"]
    for path in template_files():
        # Helm's own braces would read as a selector's.
        text = re.sub(r"\{\{.*?\}\}", "", path.read_text())
        for line in re.findall(r"(?:expr|query): (?:>-\n +)?(.+)", text):
            yield path.relative_to(TEMPLATES).as_posix(), line
