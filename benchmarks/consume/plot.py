"""consume.png: a bar for each way of reading."""

from pathlib import Path
from typing import Any

LABELS = {
    "client": "confluent-kafka alone,\nnothing decoded",
    "objects": "confluent-kafka,\na decoder call a record",
    "objects-lines": "confluent-kafka,\na decoder call a batch",
    "native": "native,\nnothing decoded",
    "native-lines": "native,\na decoder call a batch",
    "native-columns": "native,\ncolumns instead of rows",
}


def draw(result: dict[str, Any], path: Path) -> None:
    """CPU seconds a million records."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    ways = result["ways"]
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.6 * len(ways)), layout="constrained")
    values = [each["cpu_s_per_million"] for each in ways.values()]
    colours = ["#f58518" if way.startswith("native") else "#4c78a8" for way in ways]
    bars = axes.barh([LABELS[way] for way in ways], values, color=colours, height=0.6)
    axes.bar_label(bars, [f"{each:.2f}" for each in values], padding=4, fontsize=9)
    axes.invert_yaxis()
    axes.set_xlabel("CPU seconds of the consumer's process for a million records")
    axes.set_title(f"JSON of {result['record_bytes']} bytes, three columns, one core, {result['cpu']}", fontsize=10)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
