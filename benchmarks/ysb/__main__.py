"""The Yahoo Streaming Benchmark from Kafka: ours and its peers, one after the other on one broker and the same data.

Each round runs every engine over a smaller and a larger topic; CPU-seconds per million events is the slope between
them, so that start-up is in neither. Counts are compared with those of the generator. Then each engine has a live
stream, for the time from a window's end to its count in the sink. Writes ysb.json and ysb.png after each engine.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.peers.engine import Engine
from benchmarks.peers.registry import YSB, chosen
from benchmarks.peers.rig import Rig
from benchmarks.report import RESULTS, Report, make_parser, parse
from benchmarks.ysb import figures, live, plot
from benchmarks.ysb.events import Generator
from benchmarks.ysb.load import Topic, load_ads
from benchmarks.ysb.run import Figures, measure
from tools.processes import ProcessError

SCRATCH = Path("build/bench-ysb")

LIVE = "after_window_end_ms"

QUICK = {"rounds": 2, "partitions": [1], "live_seconds": 0.0}

EXAMPLES = f"""\
engines: {", ".join(YSB)}

examples:
  python -m benchmarks.ysb                                             everything: about an hour
  python -m benchmarks.ysb --quick                                     one partition, no live stream: about 15 minutes
  python -m benchmarks.ysb --quick --keep --partitions 2               two partitions, beside what there is
  python -m benchmarks.ysb --keep --partitions --live-seconds 20       the live stream alone, beside what there is
  python -m benchmarks.ysb --engines ours,flink-datastream --rounds 1  two engines, once: about 5 minutes
  python -m benchmarks.ysb --engines plain --events 200000,1000000 --rounds 1 --partitions 1 --live-seconds 0
                                                                       a minute, throughput alone
"""


def main() -> None:
    parser = make_parser("benchmarks.ysb", __doc__, EXAMPLES)
    parser.add_argument("--engines", type=partial(chosen, engines=YSB), default=None, help="comma-separated; all")
    parser.add_argument("--events", type=_sizes, default=(2_000_000, 8_000_000), help="SMALL,LARGE; 2000000,8000000")
    parser.add_argument("--rounds", type=int, default=3, help="how often each engine runs over each topic; 3")
    parser.add_argument("--partitions", type=int, nargs="*", default=[1, 2], help="1: on one core; more: on all; 1 2")
    parser.add_argument("--event-rate", type=int, default=10_000, help="events a second of event time; 10000")
    parser.add_argument("--live-rate", type=int, default=1_000, help="events a second of the live stream; 1000")
    parser.add_argument("--live-seconds", type=float, default=40, help="measured of the live stream, 0: none; 40")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", action="store_true", help="leave what is not measured now as it is in ysb.json")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of ysb.json and ysb.png")
    options = parse(parser, QUICK, minutes=15)
    try:
        Bench(options).run()
    except KeyboardInterrupt:
        sys.exit("stopped; what was measured is written")
    except ProcessError as error:
        sys.exit(str(error))


def _sizes(text: str) -> tuple[int, int]:
    small, large = (int(part) for part in text.split(","))
    if not 0 < small < large:
        raise argparse.ArgumentTypeError("SMALL,LARGE, the second larger")
    return small, large


def _section(partitions: int) -> str:
    return f"partitions_{partitions}"


class Bench:
    """`failed`: engines that are measured no more in a section, and why; what was measured before stays."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._engines: list[Engine] = options.engines or list(YSB.values())
        self._generator = Generator(options.seed, options.event_rate)
        self._versions: dict[str, str] = {}
        self._unprepared: dict[str, str] = {}
        self._found: dict[str, dict[str, Any]] = {_section(each): {} for each in options.partitions}
        if options.live_seconds:
            self._found[LIVE] = {}
        self._report = Report("ysb", options.out, plot.draw, list(self._found))
        if options.keep:
            self._report.keep()

    def run(self) -> None:
        for engine in self._engines:
            if why := _guarded(engine, partial(self._prepare, engine)):
                self._unprepared[engine.name] = why
        for partitions in self._options.partitions:
            self._throughput(partitions)
        if self._options.live_seconds:
            self._live()
        self._report.done(self._result())

    def _prepare(self, engine: Engine) -> None:
        engine.prepare()
        self._versions[engine.name] = engine.version()

    def _throughput(self, partitions: int) -> None:
        """On one partition the engine has one core and the broker the others; else nothing is pinned."""
        able = [engine for engine in self._engines if partitions <= engine.partitions_max]
        rounds: dict[str, list[tuple[Figures, Figures]]] = {engine.name: [] for engine in able}
        failed, topics = dict(self._unprepared), dict[int, Topic]()
        with Rig(SCRATCH, pinned=partitions == 1) as rig:
            table = load_ads(rig, self._generator)

            def measure_one(engine: Engine, number: int) -> None:
                small, large = (
                    _one(rig, engine, _topic(rig, topics, self._generator, size, partitions), table)
                    for size in _shares(engine, self._options)
                )
                rounds[engine.name].append((small, large))
                print(f"round {number + 1}, {partitions} partition(s), {_line(engine, small, large, self._options)}")

            for number in range(self._options.rounds):
                for engine in able:
                    if engine.name in failed:
                        continue
                    if why := _guarded(engine, partial(measure_one, engine, number)):
                        failed[engine.name] = why
                    self._found[_section(partitions)] = self._of(able, rounds, failed)
                    self._report.write(self._result())

    def _of(
        self, engines: list[Engine], rounds: dict[str, list[tuple[Figures, Figures]]], failed: dict[str, str]
    ) -> dict[str, Any]:
        found = {}
        for engine in engines:
            of_engine: dict[str, Any] = {"failed": failed[engine.name]} if engine.name in failed else {}
            if pairs := rounds[engine.name]:
                of_engine |= figures.throughput(pairs, _difference(engine, self._options))
            if of_engine:
                found[engine.name] = of_engine
        return found

    def _live(self) -> None:
        options, found = self._options, self._found[LIVE]
        with Rig(SCRATCH, pinned=True) as rig:
            table = load_ads(rig, self._generator)

            def measure_one(engine: Engine) -> None:
                print(f"  {engine.name}, live at {options.live_rate}/s ...", end=" ", flush=True)
                came = live.measure(rig, engine, self._generator, table, options.live_rate, options.live_seconds)
                found[engine.name] = figures.after_window_end(came)
                print(found[engine.name], flush=True)

            for engine in self._engines:
                why = self._unprepared.get(engine.name) or _guarded(engine, partial(measure_one, engine))
                if why:
                    found[engine.name] = {"failed": why}
                self._report.write(self._result())

    def _result(self) -> dict[str, Any]:
        options = self._options
        return {
            "events": options.events,
            "rounds": options.rounds,
            "event_rate": options.event_rate,
            "live_rate": options.live_rate,
            **self._found,
            "engines": self._versions,
        }


def _guarded(engine: Engine, step: Callable[[], None]) -> str | None:
    """Whatever goes wrong with one engine, the others are measured. Returns what did."""
    try:
        step()
    except Exception as error:
        print(f"{engine.name} failed: {error}", flush=True)
        return (str(error) or type(error).__name__).splitlines()[0]
    return None


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


def _line(engine: Engine, small: Figures, large: Figures, options: argparse.Namespace) -> str:
    cpu_s, rate = figures.slope(small, large, _difference(engine, options))
    return f"{engine.name}: {cpu_s:.2f} CPU-s per million events, {f'{rate:,.0f}' if rate else '?'} events/s"


if __name__ == "__main__":
    main()
