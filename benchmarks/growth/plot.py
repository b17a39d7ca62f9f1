"""growth.png: a panel for each thing that grows; bars are medians, what else there is to say stands under them."""

from pathlib import Path
from typing import Any

CPU, TOPIC, SNAPSHOT = "#f58518", "#4c78a8", "#72b7b2"
_PER_MILLION = "CPU-seconds per million events"


def draw(result: dict[str, Any], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    panels = {"keys": _keys, "payload": _payload, "pipelines": _pipelines, "table": _table}
    measured = [name for name in panels if result.get(name)]
    columns = min(2, len(measured))
    lines = -(-len(measured) // columns)
    figure, grid = plt.subplots(
        lines, columns, figsize=(6.5 * columns, 4.2 * lines), layout="constrained", squeeze=False
    )
    for axes in grid.flat[len(measured) :]:
        axes.set_visible(False)
    for axes, name in zip(grid.flat, measured, strict=False):
        panels[name](axes, result[name])
        axes.set_ylim(bottom=0)
        axes.margins(y=0.15)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    figure.suptitle(f"The stream joiner as its work grows, {result['cpu']}, {result['date']}", fontsize=11)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _keys(axes: Any, section: dict[str, Any]) -> None:
    axes.set_title("keys in the window state", loc="left", fontsize=10)
    notes = []
    for found in section.values():
        each = f", {found['bytes_per_key']:,} B/key" if "bytes_per_key" in found else ""
        notes.append(f"{found['rss_mb_peak']:,} MB{each}\nrestored in {found['restart']['restore_s']:.2f} s")
    _cost(axes, [f"{int(keys):,}" for keys in section], section, notes)


def _payload(axes: Any, section: dict[str, Any]) -> None:
    axes.set_title("bytes of a value, two columns read", loc="left", fontsize=10)
    notes = [f"{found.get('mb_per_s', 0):,.0f} MB/s\n{found['rss_mb_peak']:,} MB" for found in section.values()]
    _cost(axes, [f"{int(size):,} B" for size in section], section, notes)


def _pipelines(axes: Any, section: dict[str, Any]) -> None:
    axes.set_title("pipelines that read one topic at once, all together", loc="left", fontsize=10)
    _cost(axes, list(section), section, [f"{found['rss_mb_peak']:,} MB" for found in section.values()])


def _table(axes: Any, section: dict[str, Any]) -> None:
    """Two bars each: the start from the topic and from a snapshot."""
    axes.set_title("rows of the joined table", loc="left", fontsize=10)
    starts = (("topic", TOPIC, "from the topic", -0.2), ("snapshot", SNAPSHOT, "from a snapshot", 0.2))
    for name, colour, label, shift in starts:
        seconds = [found["start_s"][name] for found in section.values()]
        places = [at + shift for at in range(len(section))]
        bars = axes.bar(places, seconds, width=0.38, color=colour, label=label)
        axes.bar_label(bars, [f"{each:.1f}" for each in seconds], fontsize=8, padding=2)
    labels = [
        f"{int(rows):,}\n{'on disk' if found['on_disk'] else 'in memory'}, {found['rss_mb_peak']:,} MB\n"
        f"{_median(found, 'cpu_s_per_million'):.2f} CPU-s per million\n{_rate(found)}{_warning(found)}"
        for rows, found in section.items()
    ]
    axes.set_xticks(range(len(labels)), labels, fontsize=8)
    axes.set_ylabel("seconds until ready", fontsize=9)
    axes.legend(fontsize=8, frameon=False)


def _cost(axes: Any, labels: list[str], section: dict[str, Any], notes: list[str]) -> None:
    """Bars of CPU-seconds per million events, whiskers the least and the most."""
    for at, found in enumerate(section.values()):
        spread = found["cpu_s_per_million"]
        middle = spread["median"]
        whiskers = [[middle - spread["min"]], [spread["max"] - middle]] if spread["n"] > 1 else None
        bar = axes.bar(at, middle, yerr=whiskers, width=0.6, color=CPU, error_kw={"capsize": 3, "lw": 1})
        axes.bar_label(bar, [f"{middle:.2f}"], fontsize=8, padding=2)
    ticks = [
        f"{label}\n{_rate(found)}\n{note}{_warning(found)}"
        for label, found, note in zip(labels, section.values(), notes, strict=True)
    ]
    axes.set_xticks(range(len(ticks)), ticks, fontsize=8)
    axes.set_ylabel(_PER_MILLION, fontsize=9)


def _median(found: dict[str, Any], name: str) -> float:
    return float(found[name]["median"]) if found[name] else float("nan")


def _rate(found: dict[str, Any]) -> str:
    return f"{_median(found, 'events_per_s'):,.0f} events/s" if found["events_per_s"] else "? events/s"


def _warning(found: dict[str, Any]) -> str:
    return "" if found["rows_right"] else "\nWRONG ROWS"
