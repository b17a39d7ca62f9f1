"""Figures of one case, over the rounds."""

import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.growth.joiner import Whole
from benchmarks.ysb.figures import slope, spread


class Pair(NamedTuple):
    """A run over the smaller and one over the larger topic; `events` is by how many more the larger was read."""

    small: Whole
    large: Whole
    events: int


def case(pairs: Sequence[Pair]) -> dict[str, Any]:
    """CPU-seconds a million events and events a second are slopes, memory that of the runs over the larger topic."""
    slopes = [slope(pair.small.figures, pair.large.figures, pair.events) for pair in pairs]
    larger = [pair.large for pair in pairs]
    return {
        "cpu_s_per_million": spread([cpu for cpu, _ in slopes]),
        "events_per_s": spread([rate for _, rate in slopes if rate is not None]),
        "rss_mb_peak": round(max(each.figures.rss_bytes_peak for each in larger) / 1e6),
        "rss_mb_settled": round(statistics.median(each.rss_bytes_settled for each in larger) / 1e6),
        "rows_right": not any(run.figures.wrong for pair in pairs for run in (pair.small, pair.large)),
        "runs": [
            {"cpu_s": round(run.figures.cpu_s, 2), "wall_s": round(run.figures.wall_s, 2)}
            for pair in pairs
            for run in (pair.small, pair.large)
        ],
    }


def line(found: dict[str, Any]) -> str:
    """For the terminal."""
    cpu, rate = found["cpu_s_per_million"], found["events_per_s"]
    shown = f"{rate['median']:,.0f}" if rate else "?"
    text = f"{cpu['median']:.2f} CPU-s per million events, {shown} events/s"
    text += f", {found['rss_mb_peak']:,} MB at most"
    return text if found["rows_right"] else f"{text}, WRONG ROWS"
