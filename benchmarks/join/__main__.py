"""A stream joined with a table of 10,000 rows, Kafka to Kafka: ours and its peers, in rounds on one warm broker.

An open-loop sender puts the moment at which each event was due into it; an independent reader of the sink takes the
difference on receipt. Nothing is pinned. `none` has no engine: the reader reads what was sent. Writes join.json and
join.png after each engine.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.join import plot, table
from benchmarks.join.run import Sent, figures, measure
from benchmarks.peers.engine import Engine
from benchmarks.peers.registry import JOIN, chosen
from benchmarks.peers.rig import Rig
from benchmarks.report import RESULTS, Report, make_parser, parse
from tools.processes import ProcessError

SCRATCH = Path("build/bench-join")

QUICK = {"rounds": 2, "seconds": 8.0, "warm_up_seconds": 6.0}

EXAMPLES = f"""\
engines: none, {", ".join(JOIN)}

examples:
  python -m benchmarks.join                                                   everything: about an hour
  python -m benchmarks.join --quick                                           everything, shorter: about 12 minutes
  python -m benchmarks.join --engines none,ours,flink --rounds 1 --seconds 10  a quick look
"""


def main() -> None:
    parser = make_parser("benchmarks.join", __doc__, EXAMPLES)
    parser.add_argument("--engines", type=_engines, default=[None, *JOIN.values()], help="comma-separated; all")
    parser.add_argument("--rates", type=float, nargs="+", default=[200, 10_000], help="events a second; 200 10000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30, help="measured at each rate and round; 30")
    parser.add_argument("--warm-up-seconds", type=float, default=20, help="before it at each rate; 20")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of join.json and join.png")
    options = parse(parser, QUICK, minutes=12)
    try:
        Bench(options).run()
    except KeyboardInterrupt:
        sys.exit("stopped; what was measured is written")
    except ProcessError as error:
        sys.exit(str(error))


def _engines(text: str) -> list[Engine | None]:
    """None is the chain without an engine."""
    found: list[Engine | None] = []
    for name in text.split(","):
        found += [None] if name.strip() == "none" else chosen(name, JOIN)
    return found


class Bench:
    """`failed`: why an engine is measured no more; what was measured of it before stays."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._rounds: dict[str, list[dict[float, Sent]]] = {_name(engine): [] for engine in options.engines}
        self._failed: dict[str, str] = {}
        self._versions: dict[str, str] = {}
        self._report = Report("join", options.out, plot.draw, ["rates"])

    def run(self) -> None:
        for engine in self._options.engines:
            if engine:
                self._guarded(engine, partial(self._prepare, engine))
        with Rig(SCRATCH, pinned=False) as rig:
            places = table.load(rig)
            self._warm_up(rig, places)
            for number in range(self._options.rounds):
                for engine in self._turned(number):
                    if _name(engine) not in self._failed:
                        print(f"round {number + 1}, {_name(engine)}: ", end="", flush=True)
                        self._guarded(engine, partial(self._measure, rig, engine, places))
                        self._report.write(self._result())
        self._report.done(self._result())

    def _turned(self, number: int) -> list[Engine | None]:
        """Each round begins with another engine: nobody is always first."""
        engines = self._options.engines
        first = number * len(engines) // self._options.rounds
        return [*engines[first:], *engines[:first]]

    def _prepare(self, engine: Engine) -> None:
        engine.prepare()
        self._versions[engine.name] = engine.version()

    def _warm_up(self, rig: Rig, places: str) -> None:
        """A broker that has just started is slower, and the first engine would be too. What is measured is dropped."""
        print("the broker warms up: ", end="", flush=True)
        measure(rig, None, places, self._counts(self._options.warm_up_seconds))
        print(flush=True)

    def _measure(self, rig: Rig, engine: Engine | None, places: str) -> None:
        self._rounds[_name(engine)].append(measure(rig, engine, places, self._counts(self._options.seconds)))
        print(flush=True)

    def _counts(self, seconds: float) -> dict[float, tuple[int, int]]:
        """By rate: events to warm up with, and those to measure."""
        options = self._options
        return {rate: (round(rate * options.warm_up_seconds), max(1, round(rate * seconds))) for rate in options.rates}

    def _guarded(self, engine: Engine | None, step: Callable[[], None]) -> None:
        """Whatever goes wrong with one engine, the others are measured."""
        try:
            step()
        except Exception as error:
            self._failed[_name(engine)] = f"{error or type(error).__name__}"
            print(f"{_name(engine)} failed: {error}", flush=True)

    def _result(self) -> dict[str, Any]:
        options = self._options
        return {
            "rounds": options.rounds,
            "seconds": options.seconds,
            "warm_up_seconds": options.warm_up_seconds,
            "table_rows": table.ROWS,
            "rates": {f"{rate:g}": self._of_rate(rate) for rate in options.rates},
            "engines": self._versions,
        }

    def _of_rate(self, rate: float) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, measured in self._rounds.items():
            if name in self._failed:
                found[name] = {"failed": self._failed[name].splitlines()[0]}
            if measured:
                found[name] = found.get(name, {}) | figures([each[rate] for each in measured])
        return found


def _name(engine: Engine | None) -> str:
    return engine.name if engine else "none"


if __name__ == "__main__":
    main()
