"""A benchmark's result, written after each step, so that a run that is interrupted leaves what it has measured."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import versions
from demo.summary import cpu

RESULTS = Path(__file__).parent / "results"

Draw = Callable[[dict[str, Any], Path], None]


def make_parser(module: str, description: str | None, examples: str) -> argparse.ArgumentParser:
    """Of `python -m <module>`; its texts are shown as they are written."""
    raw = argparse.RawDescriptionHelpFormatter
    return argparse.ArgumentParser(f"python -m {module}", description=description, epilog=examples, formatter_class=raw)


def parse(parser: argparse.ArgumentParser, quick: dict[str, Any], minutes: int) -> argparse.Namespace:
    """With `--quick` the defaults are those of `quick`; flags still win."""
    chosen = " ".join(f"--{name.replace('_', '-')} {_text(value)}" for name, value in quick.items())
    parser.add_argument("--quick", action="store_true", help=f"{minutes} minutes, the same method: {chosen}")
    if "--quick" in sys.argv:
        parser.set_defaults(**quick)
    return parser.parse_args()


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


class Report:
    """`<name>.json` and `<name>.png` in `folder`. What is measured in it is named by `sections`."""

    def __init__(self, name: str, folder: Path, draw: Draw, sections: list[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._json, self._png, self._draw = folder / f"{name}.json", folder / f"{name}.png", draw
        self._sections, self._began, self._load = sections, datetime.now(UTC), _load()
        self._kept: dict[str, Any] = {}

    def keep(self) -> None:
        """The sections that are not measured now stay as they were written."""
        if self._json.exists():
            self._kept = json.loads(self._json.read_text())

    def write(self, result: dict[str, Any], whole: bool = False) -> None:
        """`whole`: nothing more is to come."""
        now = {
            "began": self._began.isoformat(timespec="seconds"),
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "whole": whole,
            "load_average_1_5_15": {"began": self._load, "ended": _load()},
        }
        conditions = self._kept.get("conditions", {}) | dict.fromkeys(self._sections, now)
        about = {"cpu": cpu(), "versions": versions()}
        found = self._kept | {"date": self._began.date().isoformat(), "conditions": conditions} | result | about
        beside = self._json.with_suffix(".part")
        beside.write_text(json.dumps(found, indent=2) + "\n")
        beside.replace(self._json)
        self._draw(found, self._png)

    def done(self, result: dict[str, Any]) -> None:
        self.write(result, whole=True)
        print(f"{self._json}, {self._png}")


def _load() -> list[float]:
    return [round(each, 2) for each in os.getloadavg()]
