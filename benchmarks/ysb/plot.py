"""ysb.png: CPU-seconds per million events, and events a second."""

from pathlib import Path
from typing import Any

OURS, PEER = "#f58518", "#4c78a8"
_PANELS = (
    ("cpu_s_per_million", "CPU-seconds per million events (less is better)"),
    ("events_per_s", "events a second (more is better)"),
)


def draw(result: dict[str, Any], path: Path) -> None:
    """A row of two panels for each number of partitions; bars are medians, whiskers the least and the most.

    Nothing is drawn of a live stream alone.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    runs = {name: run for name, run in result.items() if name.startswith("partitions_") and run}
    if not runs:
        return
    height = sum(1.1 + 0.42 * len(run) for run in runs.values()) + 0.4
    ratios = [1.1 + 0.42 * len(run) for run in runs.values()]
    figure, grid = plt.subplots(
        len(runs), 2, figsize=(12, height), layout="constrained", squeeze=False, height_ratios=ratios
    )
    for row, (name, run) in enumerate(runs.items()):
        partitions = int(name.removeprefix("partitions_"))
        where = "1 partition, 1 core" if partitions == 1 else f"{partitions} partitions, broker on the same cores"
        for axes, (figure_name, label) in zip(grid[row], _PANELS, strict=True):
            _bars(axes, run, figure_name)
            axes.set_xlabel(label)
        grid[row][0].set_title(where, loc="left", fontsize=10)
        grid[row][1].set_yticklabels([])
    figure.suptitle(f"Yahoo Streaming Benchmark from Kafka, {result['cpu']}, {result['date']}", fontsize=11)
    figure.savefig(path, dpi=110)
    plt.close(figure)


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
