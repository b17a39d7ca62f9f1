"""Figures from runs: the slope between two sizes leaves start-up out."""

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.latency.figures import percentiles
from benchmarks.ysb.live import Latencies
from benchmarks.ysb.run import Figures


def slope(small: Figures, large: Figures, events: int) -> tuple[float, float | None]:
    """CPU seconds a million events, and events a second, over the `events` by which the runs differ.

    Start-up, and most of the JIT compiler's work, are in both runs, so they are in neither figure. The rate is None
    where start-up varied by more than the events took: too few of them.
    """
    spent_s = large.wall_s - small.wall_s
    return (large.cpu_s - small.cpu_s) / events * 1e6, events / spent_s if spent_s > 0 else None


def throughput(rounds: Sequence[tuple[Figures, Figures]], events: int) -> dict[str, Any]:
    """Of one engine: each round is a run over the smaller and one over the larger topic."""
    slopes = [slope(small, large, events) for small, large in rounds]
    runs = [run for pair in rounds for run in pair]
    wrong = sum(run.wrong for run in runs)
    return {
        "cpu_s_per_million": spread([cpu for cpu, _ in slopes]),
        "events_per_s": spread([rate for _, rate in slopes if rate is not None]),
        "rss_mb_peak": round(max(run.rss_bytes_peak for run in runs) / 1e6),
        "counts_right": wrong == 0,
        "windows": sum(run.windows for run in runs),
        "windows_wrong": wrong,
        "sink_records": sum(run.records for run in runs),
        "runs": [{"cpu_s": round(run.cpu_s, 2), "wall_s": round(run.wall_s, 2)} for run in runs],
    }


def spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    three = {"median": statistics.median(values), "min": min(values), "max": max(values)}
    return {name: float(f"{value:.4g}") for name, value in three.items()} | {"n": len(values)}


def after_window_end(live: Latencies) -> dict[str, Any]:
    return (percentiles(live.ms) if live.ms else {"n": 0}) | {"windows_missing": live.missing}
