"""join.png: p50 and p99 by engine, a panel for each rate, on a logarithmic scale."""

from pathlib import Path
from typing import Any

OURS, PEER = "#f58518", "#4c78a8"


def draw(result: dict[str, Any], path: Path) -> None:
    """A line from p50 (dot) to p99 (diamond) for each engine."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    rates = result["rates"]
    names = list(next(iter(rates.values())))
    figure, panels = plt.subplots(
        1, len(rates), figsize=(6 * len(rates), 1.4 + 0.55 * len(names)), layout="constrained", squeeze=False
    )
    for index, (axes, (rate, engines)) in enumerate(zip(panels[0], rates.items(), strict=True)):
        _panel(axes, engines)
        axes.set_title(f"{float(rate):,.0f} events/s", loc="left", fontsize=10)
        axes.set_yticks(range(len(engines)), list(engines) if index == 0 else [""] * len(engines))
        axes.set_ylim(len(engines) - 0.4, -0.6)
    figure.suptitle(f"Stream joined with a table of 10,000 rows, Kafka to Kafka, {result['cpu']}", fontsize=11)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _panel(axes: Any, engines: dict[str, Any]) -> None:
    axes.set_xscale("log")
    for row, (name, figures) in enumerate(engines.items()):
        if "ms" not in figures:
            axes.annotate("failed", (1, row), va="center", fontsize=8)
            continue
        colour = OURS if name == "ours" else PEER
        p50, p99 = figures["ms"]["p50"], figures["ms"]["p99"]
        axes.plot([p50, p99], [row, row], color=colour, lw=3, alpha=0.5)
        for at, marker, above in ((p50, "o", -15), (p99, "D", 7)):
            axes.plot(at, row, marker, color=colour, markersize=7)
            axes.annotate(f"{at:,.1f}", (at, row), (0, above), textcoords="offset points", ha="center", fontsize=8)
    axes.set_xlabel("ms from an event's due time to its row's receipt: p50 (dot), p99 (diamond)")
    axes.margins(x=0.1)
    axes.grid(axis="x", alpha=0.3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
