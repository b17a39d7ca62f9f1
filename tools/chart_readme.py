"""The table of values in the chart's README, made from the comments of values.yaml.

    python -m tools.chart_readme            writes it
    python -m tools.chart_readme --check    fails where it is not fresh

A comment that begins with `# --` describes the key below it, with all that is in it. What stands above the marker in
the README is written by hand.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

CHART = Path(__file__).resolve().parents[1] / "helm" / "sightline"
MARKER = "<!-- Below: made from values.yaml by `python -m tools.chart_readme` -->"
DEFAULT_LENGTH_MAX = 60

_KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z0-9_.-]+):")
_COMMENT = re.compile(r"^ *# (?P<begin>-- )?(?P<text>.*)")


class Value(NamedTuple):
    path: tuple[str, ...]
    text: str

    @property
    def name(self) -> str:
        return ".".join(self.path)


def described(text: str) -> Iterator[Value]:
    """The keys of values.yaml that have a comment of their own, in their order."""
    path: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in text.splitlines():
        if found := _COMMENT.match(line):
            if found["begin"]:
                comment = [found["text"]]
            elif comment:
                comment.append(found["text"])
        elif key := _KEY.match(line):
            indent = len(key["indent"])
            path = [each for each in path if each[0] < indent] + [(indent, key["key"])]
            if comment:
                yield Value(tuple(name for _, name in path), " ".join(comment))
            comment = []


def undescribed(values: Any, names: set[tuple[str, ...]], path: tuple[str, ...] = ()) -> Iterator[str]:
    """Keys that neither they themselves nor anything above them has a comment for."""
    if path in names:
        return
    if not isinstance(values, dict) or not values:
        yield ".".join(path)
        return
    for key, value in values.items():
        yield from undescribed(value, names, (*path, str(key)))


def table(text: str) -> str:
    values = yaml.safe_load(text)
    lines = ["## Values", "", "| key | default | meaning |", "|---|---|---|"]
    for value in described(text):
        found = values
        for key in value.path:
            found = found[key]
        lines.append(f"| `{value.name}` | {_default(found)} | {value.text.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def _default(value: Any) -> str:
    if value in ("", [], {}):
        return ""
    text = json.dumps(value, ensure_ascii=False)
    return f"`{text}`" if len(text) <= DEFAULT_LENGTH_MAX else "see values.yaml"


def fresh(readme: str, values: str) -> str:
    """The README with the table anew. Raises ValueError if it lacks the marker."""
    head, marker, _ = readme.partition(MARKER)
    if not marker:
        raise ValueError(f"the README lacks the line {MARKER}")
    return f"{head}{MARKER}\n\n{table(values)}"


def main(argv: list[str]) -> int:
    readme = CHART / "README.md"
    wanted = fresh(readme.read_text(), (CHART / "values.yaml").read_text())
    if "--check" in argv:
        if readme.read_text() != wanted:
            print(f"{readme} is not fresh: run python -m tools.chart_readme", file=sys.stderr)
            return 1
        return 0
    readme.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
