"""Figures from alerts as received: the whole, our part, the stages; for each event first, then percentiles."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

STAGES = ("ingest", "join", "featurize", "publish", "alert")
"""Boundaries on one chain, so they add up to the whole; `alert` ends with the subscriber's receipt."""

INSIDE = ("decode", "inference")
"""Parts of featurize that are not ours: the image and the network."""


def read(path: Path, source: str) -> list[dict[str, Any]]:
    """The alerts of one source; a line that is being written is left out."""
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [alert for line in lines if (alert := json.loads(line))["source"] == source]


def figures(alerts: list[dict[str, Any]]) -> dict[str, Any]:
    """`whole_ms`, `ours_ms` (the whole less the batch's decode and inference; queueing is ours), `stages_ms`."""
    if len({each["id"] for each in alerts}) != len(alerts):
        raise ValueError("an alert came twice")
    whole = np.array([each["received_us"] - each["event_us"] for each in alerts]) / 1e3
    stages = {name: np.array([each["stage_us"][name] for each in alerts]) / 1e3 for name in (*STAGES, *INSIDE)}
    stages["alert"] = stages["alert"] + np.array([each["received_us"] - each["decided_us"] for each in alerts]) / 1e3
    ours = whole - stages["decode"] - stages["inference"]
    return {
        "whole_ms": percentiles(whole),
        "ours_ms": percentiles(ours),
        "stages_ms": {name: percentiles(values) for name, values in stages.items()},
    }


def percentiles(values: npt.ArrayLike) -> dict[str, float]:
    values = np.asarray(values)
    return {
        **{f"p{p}": round(float(np.percentile(values, p)), 3) for p in (50, 90, 99)},
        "max": round(float(values.max()), 3),
        "mean": round(float(values.mean()), 3),
        "n": len(values),
    }
