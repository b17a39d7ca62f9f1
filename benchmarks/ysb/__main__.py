"""The Yahoo Streaming Benchmark from Kafka: ours and its peers, one after the other on one broker and the same data.

Each round runs every engine over a smaller and a larger topic; CPU-seconds per million events is the slope between
them, so that start-up is in neither. Counts are compared with those of the generator. Then each engine has a live
stream, for the time from a window's end to its count in the sink. Writes ysb.json and ysb.png.
"""

import argparse
import json
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.machine import versions
from benchmarks.peers.engine import Engine
from benchmarks.peers.registry import YSB, chosen
from benchmarks.peers.rig import Rig
from benchmarks.ysb import figures, live, plot
from benchmarks.ysb.events import Generator
from benchmarks.ysb.load import Topic, load_ads
from benchmarks.ysb.run import Figures, measure
from demo.summary import cpu
from tools.processes import ProcessError

RESULTS = Path(__file__).parents[1] / "results"
SCRATCH = Path("build/bench-ysb")

EXAMPLES = f"""\
engines: {", ".join(YSB)}

examples:
  python -m benchmarks.ysb                                             everything: about 1.5 hours
  python -m benchmarks.ysb --engines ours,flink-datastream --rounds 1  two engines, once: about 10 minutes
  python -m benchmarks.ysb --engines plain --events 200000,1000000 --rounds 1 --partitions 1 --live-seconds 0
                                                                       a minute, throughput alone
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ysb",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--engines", type=partial(chosen, engines=YSB), default=None, help="comma-separated; all")
    parser.add_argument("--events", type=_sizes, default=(1_000_000, 4_000_000), help="SMALL,LARGE; 1000000,4000000")
    parser.add_argument("--rounds", type=int, default=3, help="how often each engine runs over each topic; 3")
    parser.add_argument("--partitions", type=int, nargs="*", default=[1, 2], help="1: on one core; more: on all; 1 2")
    parser.add_argument("--event-rate", type=int, default=10_000, help="events a second of event time; 10000")
    parser.add_argument("--live-rate", type=int, default=1_000, help="events a second of the live stream; 1000")
    parser.add_argument("--live-seconds", type=float, default=40, help="measured of the live stream, 0: none; 40")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of ysb.json and ysb.png")
    options = parser.parse_args()
    engines = options.engines or list(YSB.values())
    generator = Generator(options.seed, options.event_rate)
    try:
        for engine in engines:
            engine.prepare()
        measured = {f"partitions_{each}": _throughput(each, engines, generator, options) for each in options.partitions}
        latencies = _live(engines, generator, options) if options.live_seconds else {}
    except KeyboardInterrupt:
        sys.exit("stopped")
    except ProcessError as error:
        sys.exit(str(error))
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "events": options.events,
        "rounds": options.rounds,
        "event_rate": options.event_rate,
        **measured,
        "live_rate": options.live_rate,
        "after_window_end_ms": latencies,
        "engines": {engine.name: engine.version() for engine in engines},
        "cpu": cpu(),
        "versions": versions(),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "ysb.json").write_text(json.dumps(result, indent=2) + "\n")
    print(options.out / "ysb.json")
    if any(measured.values()):
        plot.draw(result, options.out / "ysb.png")
        print(options.out / "ysb.png")


def _sizes(text: str) -> tuple[int, int]:
    small, large = (int(part) for part in text.split(","))
    if not 0 < small < large:
        raise argparse.ArgumentTypeError("SMALL,LARGE, the second larger")
    return small, large


def _throughput(
    partitions: int, engines: list[Engine], generator: Generator, options: argparse.Namespace
) -> dict[str, Any]:
    """By engine. On one partition the engine has one core and the broker the others; else nothing is pinned."""
    able = [engine for engine in engines if partitions <= engine.partitions_max]
    rounds: dict[str, list[tuple[Figures, Figures]]] = {engine.name: [] for engine in able}
    failed: dict[str, str] = {}
    topics: dict[int, Topic] = {}
    with Rig(SCRATCH, pinned=partitions == 1) as rig:
        table = load_ads(rig, generator)
        for number in range(options.rounds):
            for engine in able:
                if engine.name in failed:
                    continue
                try:
                    pair = [
                        _one(rig, engine, _topic(rig, topics, generator, size, partitions), table)
                        for size in _shares(engine, options)
                    ]
                except ProcessError as error:
                    failed[engine.name] = str(error)
                    print(f"{engine.name} failed: {error}", flush=True)
                    continue
                rounds[engine.name].append((pair[0], pair[1]))
                print(f"round {number + 1}, {partitions} partition(s), {_line(engine, pair, options)}", flush=True)
    result: dict[str, Any] = {name: {"failed": why.splitlines()[0]} for name, why in failed.items()}
    for engine in able:
        if rounds[engine.name] and engine.name not in failed:
            result[engine.name] = figures.throughput(rounds[engine.name], _difference(engine, options))
    return result


def _one(rig: Rig, engine: Engine, topic: Topic, table: str) -> Figures:
    print(f"  {engine.name}, {topic.count:,} events ...", end=" ", flush=True)
    run = measure(rig, engine, topic, table)
    print(f"{run.wall_s:.1f} s, {run.cpu_s:.1f} CPU-s, {run.wrong} of {run.windows} windows wrong", flush=True)
    return run


def _topic(rig: Rig, topics: dict[int, Topic], generator: Generator, count: int, partitions: int) -> Topic:
    if count not in topics:
        topics[count] = Topic(rig, generator, count, partitions)
    return topics[count]


def _shares(engine: Engine, options: argparse.Namespace) -> list[int]:
    return [round(size * engine.share) for size in options.events]


def _difference(engine: Engine, options: argparse.Namespace) -> int:
    small, large = _shares(engine, options)
    return large - small


def _live(engines: list[Engine], generator: Generator, options: argparse.Namespace) -> dict[str, Any]:
    result = {}
    with Rig(SCRATCH, pinned=True) as rig:
        table = load_ads(rig, generator)
        for engine in engines:
            print(f"  {engine.name}, live at {options.live_rate}/s ...", end=" ", flush=True)
            try:
                found = live.measure(rig, engine, generator, table, options.live_rate, options.live_seconds)
            except ProcessError as error:
                result[engine.name] = {"failed": str(error).splitlines()[0]}
                print(error, flush=True)
                continue
            result[engine.name] = figures.after_window_end(found)
            print(result[engine.name], flush=True)
    return result


def _line(engine: Engine, pair: list[Figures], options: argparse.Namespace) -> str:
    cpu_s, rate = figures.slope(pair[0], pair[1], _difference(engine, options))
    return f"{engine.name}: {cpu_s:.2f} CPU-s per million events, {f'{rate:,.0f}' if rate else '?'} events/s"


if __name__ == "__main__":
    main()
