"""A stream joined with a table of 10,000 rows, Kafka to Kafka: ours and its peers, in rounds on one broker.

An open-loop sender puts the moment at which each event was due into it; an independent reader of the sink takes the
difference on receipt. Nothing is pinned. `none` has no engine: the reader reads what was sent. Writes join.json and
join.png.
"""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.join import plot, table
from benchmarks.join.run import Sent, figures, measure
from benchmarks.machine import versions
from benchmarks.peers.engine import Engine
from benchmarks.peers.registry import JOIN, chosen
from benchmarks.peers.rig import Rig
from demo.summary import cpu
from tools.processes import ProcessError

RESULTS = Path(__file__).parents[1] / "results"
SCRATCH = Path("build/bench-join")

EXAMPLES = f"""\
engines: none, {", ".join(JOIN)}

examples:
  python -m benchmarks.join                                                   everything: about an hour
  python -m benchmarks.join --engines none,ours,flink --rounds 1 --seconds 10  a quick look
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.join",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--engines", type=_engines, default=[None, *JOIN.values()], help="comma-separated; all")
    parser.add_argument("--rates", type=float, nargs="+", default=[200, 10_000], help="events a second; 200 10000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30, help="measured at each rate and round; 30")
    parser.add_argument("--warm-up-seconds", type=float, default=20, help="before it at each rate; 20")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of join.json and join.png")
    options = parser.parse_args()
    try:
        for engine in options.engines:
            if engine:
                engine.prepare()
        rounds, failed = _rounds(options)
    except KeyboardInterrupt:
        sys.exit("stopped")
    except ProcessError as error:
        sys.exit(str(error))
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "table_rows": table.ROWS,
        "rates": {f"{rate:g}": _of_rate(rate, rounds, failed) for rate in options.rates},
        "engines": {engine.name: engine.version() for engine in options.engines if engine},
        "cpu": cpu(),
        "versions": versions(),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "join.json").write_text(json.dumps(result, indent=2) + "\n")
    plot.draw(result, options.out / "join.png")
    print(f"{options.out / 'join.json'}, {options.out / 'join.png'}")


def _engines(text: str) -> list[Engine | None]:
    """None is the chain without an engine."""
    found: list[Engine | None] = []
    for name in text.split(","):
        found += [None] if name.strip() == "none" else chosen(name, JOIN)
    return found


def _rounds(options: argparse.Namespace) -> tuple[dict[str, list[dict[float, Sent]]], dict[str, str]]:
    """Of each engine what became of its events by rate, a round after the other; and why those that failed did."""
    rounds: dict[str, list[dict[float, Sent]]] = {_name(engine): [] for engine in options.engines}
    failed: dict[str, str] = {}
    counts = {
        rate: (round(rate * options.warm_up_seconds), max(1, round(rate * options.seconds))) for rate in options.rates
    }
    with Rig(SCRATCH, pinned=False) as rig:
        places = table.load(rig)
        for number in range(options.rounds):
            for engine in options.engines:
                name = _name(engine)
                if name in failed:
                    continue
                print(f"round {number + 1}, {name}: ", end="", flush=True)
                try:
                    rounds[name].append(measure(rig, engine, places, counts))
                    print()
                except ProcessError as error:
                    failed[name] = str(error)
                    print(f"failed: {error}", flush=True)
    return rounds, failed


def _name(engine: Engine | None) -> str:
    return engine.name if engine else "none"


def _of_rate(rate: float, rounds: dict[str, list[dict[float, Sent]]], failed: dict[str, str]) -> dict[str, Any]:
    return {
        name: {"failed": failed[name].splitlines()[0]} if name in failed else figures([each[rate] for each in measured])
        for name, measured in rounds.items()
    }


if __name__ == "__main__":
    main()
