"""The figures at the end: a dictionary for summary.json, and rows for the terminal."""

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from demo.watch import Seen

STAGES = ("ingest", "join", "featurize", "publish", "alert", "deliver")
"""In the order of the flow; they add up to event→alert. `decode` and `inference` lie inside featurize."""

INSIDE = ("decode", "inference")


def percentiles(values: Sequence[float], *wanted: int) -> dict[str, float]:
    """`{"p50": ...}`; empty without values."""
    return {f"p{p}": round(float(np.percentile(values, p)), 3) for p in wanted} if values else {}


def event_to_alert_ms(alerts: Sequence[Seen]) -> dict[str, float]:
    ms = [alert.ms for alert in alerts]
    return percentiles(ms, 50, 90, 99) | {"max": round(max(ms, default=0.0), 3), "n": len(ms)}


def stage_ms(alerts: Sequence[Seen]) -> dict[str, dict[str, float]]:
    return {
        stage: percentiles(spent, 50, 99) | {"mean": round(float(np.mean(spent)), 3)}
        for stage in (*STAGES, *INSIDE)
        if (spent := [alert.stage_us[stage] / 1e3 for alert in alerts if stage in alert.stage_us])
    }


def cpu() -> str:
    """Its name, and how many of it we may use."""
    import os

    info = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {len(os.sched_getaffinity(0))} cores"


def rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """For the terminal. A stage's share is its mean's of the sum of means."""
    whole, stages = summary["event_to_alert_ms"], summary["stage_ms"]
    total = sum(stages[stage]["mean"] for stage in STAGES if stage in stages) or 1.0
    figures = [
        ("events sent", f"{summary['events_sent']}"),
        ("joined with a place", f"{summary['events_joined']}"),
        ("images scored", f"{summary['images_scored']}"),
        ("alerts", f"{summary['alerts']} of {summary['expected_alerts']} expected"),
        ("lost, doubled, false", f"{summary['missed']}, {summary['doubled']}, {summary['false_alerts']}"),
        ("dead letters", f"{summary['dead_letters']}"),
        ("recall, precision of the model", f"{summary['model_recall']:.3f}, {summary['model_precision']:.3f}"),
    ]
    if whole["n"]:
        figures.append(
            ("event→alert p50 / p90 / p99", f"{whole['p50']:.1f} / {whole['p90']:.1f} / {whole['p99']:.1f} ms")
        )
    for stage in STAGES:
        if stage in stages:
            spent = stages[stage]
            figures.append(
                (
                    f"  {stage}",
                    f"{spent['p50']:.1f} ms, p99 {spent['p99']:.1f}, {spent['mean'] / total:4.0%} of the time",
                )
            )
        if stage == "featurize":
            figures += [
                (f"    of which {inside}", f"{stages[inside]['p50']:.1f} ms, p99 {stages[inside]['p99']:.1f}")
                for inside in INSIDE
                if inside in stages
            ]
    return figures
