"""How the stream joiner's cost grows with its work: CPU-seconds per million events, events a second, memory.

keys: group keys in the open window, with the time to restore them after kill -9; payload: bytes of a value of which
the query reads two columns; pipelines: joiners that read one topic at once; table: rows of the joined table, with the
time to start from its topic and from a snapshot. Each case reads a smaller and a larger topic; costs are the slope
between them, so that start-up is in neither. Except for pipelines, the joiner has one core and the broker the others.
Writes growth.json and growth.png after each case.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.growth import figures, keys, plot, sections
from benchmarks.peers.ours.adapter import our_version
from benchmarks.peers.rig import Rig
from benchmarks.report import RESULTS, Report, make_parser, parse
from tools.processes import ProcessError

SCRATCH = Path("build/bench-growth")

Measure = Callable[[Rig, int, argparse.Namespace], dict[str, Any]]

SECTIONS: dict[str, Measure] = {
    "keys": keys.measure,
    "payload": sections.payload,
    "pipelines": sections.pipelines,
    "table": sections.table,
}

QUICK = {
    "events": 1_000_000,
    "keys": [100, 10_000, 100_000],
    "payload": [200, 20_000],
    "pipelines": [1, 2],
    "table": [1_000, 100_000],
}

EXAMPLES = """\
examples:
  python -m benchmarks.growth                                    everything: 10 minutes at most
  python -m benchmarks.growth --quick                            fewer events and sizes: 6 minutes at most
  python -m benchmarks.growth --only keys,payload --keep         two of the four, beside what there is
  python -m benchmarks.growth --only keys --keys 100 10000 --events 200000
                                                                 a quick look: half a minute, rough figures
"""


def main() -> None:
    options = parse(_parser(), QUICK, minutes=6)
    report = Report("growth", options.out, plot.draw, options.only)
    if options.keep:
        report.keep()
    about = {"rounds": options.rounds, "events_more": options.events, "engine": our_version()}
    measured: dict[str, dict[str, Any]] = {}
    try:
        for name in options.only:
            _section(name, options, measured.setdefault(name, {}), lambda: report.write(about | measured))
    except KeyboardInterrupt:
        sys.exit("stopped; what was measured is written")
    except ProcessError as error:
        sys.exit(str(error))
    report.done(about | measured)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser("benchmarks.growth", __doc__, EXAMPLES)
    parser.add_argument("--only", type=_names, default=list(SECTIONS), help=f"of {','.join(SECTIONS)}; all")
    parser.add_argument(
        "--events",
        type=int,
        default=2_000_000,
        help="by which the larger topic is larger; fewer of large values and with many keys; 2000000",
    )
    parser.add_argument("--rounds", type=int, default=1, help="how often each case is measured; 1")
    parser.add_argument("--keys", type=int, nargs="+", default=[100, 10_000, 100_000, 1_000_000])
    parser.add_argument("--payload", type=int, nargs="+", default=[200, 2_000, 20_000], help="bytes of a value")
    parser.add_argument("--pipelines", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--table", type=int, nargs="+", default=[1_000, 100_000, 1_000_000], help="rows")
    parser.add_argument("--keep", action="store_true", help="leave what is not measured now as it is in growth.json")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of growth.json and growth.png")
    return parser


def _names(text: str) -> list[str]:
    names = [each.strip() for each in text.split(",")]
    if unknown := [each for each in names if each not in SECTIONS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is not of {', '.join(SECTIONS)}")
    return names


def _section(name: str, options: argparse.Namespace, found: dict[str, Any], written: Callable[[], None]) -> None:
    """By size, into `found`. A section has a broker of its own."""
    with Rig(SCRATCH, pinned=name != "pipelines") as rig:
        sections.warm_up(rig)
        for size in getattr(options, name):
            print(f"{name}, {size:,}:", flush=True)
            begin = time.monotonic()
            found[str(size)] = one = SECTIONS[name](rig, size, options)
            if name == "keys":
                keys.add_bytes_a_key(found)
            print(f"{name}, {size:,}: {figures.line(one)} ({time.monotonic() - begin:.0f} s)", flush=True)
            written()


if __name__ == "__main__":
    main()
