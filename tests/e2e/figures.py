"""What the streams came to: printed at the end, and kept in build/e2e/figures.json. No time is asserted."""

import json
from typing import Any

from tests.e2e.evidence import FOLDER

lines: list[str] = []
_rows: dict[str, dict[str, Any]] = {}


def add(name: str, line: str, **figures: Any) -> None:
    lines.append(f"{name}: {line}")
    _rows[name] = figures
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "figures.json").write_text(json.dumps(_rows, indent=1) + "\n")
