"""tables.png: the cost of a look-up over the size of the table."""

from pathlib import Path
from typing import Any

COLOURS = {"memory": "#4c78a8", "disk": "#f58518"}
NAMES = {"memory": "in memory", "disk": "on disk (LMDB)"}
LINES = (
    ("random_us", "p50", "-", "p50"),
    ("random_us", "p99", "--", "p99"),
    ("storm_us", "p99", ":", "p99 beside updates"),
)


def draw(result: dict[str, Any], path: Path) -> None:
    """Microseconds of a look-up of a random key, and bytes a row."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (latency, size) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained", width_ratios=(3, 2))
    for store, colour in COLOURS.items():
        runs = {int(rows): run for rows, run in result[store].items()}
        for name, percentile, style, label in LINES:
            values = [run[name][percentile] for run in runs.values()]
            latency.plot(list(runs), values, style, color=colour, marker="o", ms=4, label=f"{NAMES[store]}, {label}")
        for name, style, label in (("memory_bytes_per_row", "-", "memory"), ("file_bytes_per_row", "--", "file")):
            values = [run[name] for run in runs.values()]
            if any(values):
                size.plot(list(runs), values, style, color=colour, marker="o", ms=4, label=f"{NAMES[store]}: {label}")
    for axes, what in ((latency, "µs a look-up, random keys"), (size, "bytes a row")):
        axes.set_xscale("log")
        axes.set_xlabel("rows of the table")
        axes.set_ylabel(what)
        axes.legend(fontsize=8, frameon=False, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.15))
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    latency.set_yscale("log")
    size.set_ylim(bottom=0)
    figure.suptitle(f"Tables joined with a stream, {result['cpu']}", fontsize=10)
    figure.savefig(path, dpi=110)
    plt.close(figure)
