"""ysb.png: CPU-seconds per million events, and events a second."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

OURS, PEER = "#f58518", "#4c78a8"
_PANELS = (
    ("cpu_s_per_million", "CPU-seconds per million events (less is better)"),
    ("events_per_s", "events a second (more is better)"),
)

_LIVE_PANEL = (("ms", "ms from a window's end to its count (less is better)"),)


def draw(result: dict[str, Any], path: Path) -> None:
    """A row of two panels for each number of partitions; bars are medians, whiskers the least and the most.

    Below, of the live stream, the time from a window's end to its count: medians, and up to the 99th percentile.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    rows = list(_rows(result))
    if not rows:
        return
    heights = [1.1 + 0.42 * len(run) for _, run, _ in rows]
    figure, grid = plt.subplots(
        len(rows), 2, figsize=(12, sum(heights) + 0.4), layout="constrained", squeeze=False, height_ratios=heights
    )
    for axes, (title, run, panels) in zip(grid, rows, strict=True):
        for each, (name, label) in zip(axes, panels, strict=False):
            _bars(each, run, name)
            each.set_xlabel(label)
        axes[0].set_title(title, loc="left", fontsize=10)
        if len(panels) > 1:
            axes[1].set_yticklabels([])
        else:
            axes[1].remove()
    figure.suptitle(f"Yahoo Streaming Benchmark from Kafka, {result['cpu']}, {result['date']}", fontsize=11)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _rows(result: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], tuple[tuple[str, str], ...]]]:
    """Title, figures of each engine, and its panels."""
    for name, run in result.items():
        if name.startswith("partitions_") and run:
            partitions = int(name.removeprefix("partitions_"))
            alone = "1 partition, 1 core"
            yield alone if partitions == 1 else f"{partitions} partitions, broker on the same cores", run, _PANELS
    if live := result.get("after_window_end_ms"):
        run = {engine: _of_live(figures) for engine, figures in live.items()}
        yield f"live stream of {result['live_rate']:,} events/s", run, _LIVE_PANEL


def _of_live(figures: dict[str, Any]) -> dict[str, Any]:
    if "p50" not in figures:
        return figures
    spread = {"median": figures["p50"], "min": figures["p50"], "max": figures["p99"]}
    return {"ms": spread, "counts_right": not figures["windows_missing"]}


def _bars(axes: Any, run: dict[str, Any], name: str) -> None:
    """Wrong counts are said beside the bar."""
    for at, (engine, figures) in enumerate(run.items()):
        spread = figures.get(name)
        if spread is None:
            axes.annotate(
                "?" if "failed" not in figures else "failed",
                (0, at),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
            continue
        middle = spread["median"]
        whiskers = [[max(0.0, middle - spread["min"])], [max(0.0, spread["max"] - middle)]]
        colour = OURS if engine == "ours" else PEER
        axes.barh(at, middle, xerr=whiskers, color=colour, height=0.65, error_kw={"capsize": 3, "lw": 1})
        text = f"{middle:,.0f}" if middle >= 1000 else f"{middle:.2f}"
        text += "" if figures["counts_right"] else "  WRONG COUNTS"
        at_x = max(middle, spread["max"])
        axes.annotate(text, (at_x, at), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(range(len(run)), list(run))
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.margins(x=0.15)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
