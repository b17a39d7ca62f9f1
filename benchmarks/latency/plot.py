"""latency.png: where the milliseconds go, stage by stage, and the tail."""

from pathlib import Path
from typing import Any

from benchmarks.latency.figures import STAGES

COLOURS = {
    "ingest": "#4c78a8",
    "join": "#72b7b2",
    "decode": "#bab0ac",
    "inference": "#d8d3cf",
    "featurize": "#f58518",
    "publish": "#54a24b",
    "alert": "#b279a2",
}


def draw(result: dict[str, Any], path: Path) -> None:
    """A bar for each transport and rate: mean of each stage, the image and the network in grey; p50, p99 as marks."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    runs = [(result["transport"], rate, run) for rate, run in result["rates"].items()]
    for transport, other in result["other_transports"].items():
        runs += [(transport, rate, run) for rate, run in other["rates"].items()]
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.75 * len(runs)), layout="constrained")
    for row, (_, _, run) in enumerate(runs):
        left = 0.0
        for name, width in _parts(run):
            axes.barh(row, width, left=left, color=COLOURS[name], label=_label(name) if row == 0 else None, height=0.6)
            left += width
        for percentile, marker in (("p50", "|"), ("p99", "D")):
            at = run["whole_ms"][percentile]
            label = f"whole, {percentile}" if row == 0 else None
            axes.plot(at, row, marker, color="black", markersize=16 if marker == "|" else 5, label=label)
            axes.annotate(f"{at:.1f}", (at, row + 0.33), ha="center", va="top", fontsize=8)
    axes.set_yticks(range(len(runs)), [f"{transport}, {rate} events/s" for transport, rate, _ in runs])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("ms from the event's due time to the subscriber's receipt of its alert (bars: means)")
    model = result["model"]
    axes.set_title(f"event→alert, {model['name']} {model['size']}x{model['size']}, {result['cpu']}", fontsize=10)
    axes.legend(ncols=5, loc="upper center", bbox_to_anchor=(0.5, -0.22), fontsize=8, frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _parts(run: dict[str, Any]) -> list[tuple[str, float]]:
    """Means in the order of the flow; featurize without decode and inference, which stand beside it."""
    means = {name: stage["mean"] for name, stage in run["stages_ms"].items()}
    means["featurize"] -= means["decode"] + means["inference"]
    order = [*STAGES[:2], "decode", "inference", *STAGES[2:]]
    return [(name, means[name]) for name in order]


def _label(name: str) -> str:
    return {"featurize": "featurize, rest", "decode": "decode", "inference": "network"}.get(name, name)
