"""Command line of the demo."""

import argparse
import os
from pathlib import Path
from typing import NamedTuple

EXAMPLES = """\
examples:
  python -m demo                              60 s at 20 events/s, then the summary
  python -m demo --seconds 20 --rate 50       shorter and faster
  python -m demo --seconds 0                  until Ctrl-C: send photographs of your own to it (examples/README.md)
  python -m demo --headless --seconds 10      no colours, no browser: for scripts

Ctrl-C stops everything at any moment; with --seconds 0 it ends the stream and shows the summary first, and a second
one leaves at once. The result is in build/demo/summary.json, the logs of the processes in build/demo/run.
Exit code: 0, or 1 if an alert was missed, doubled or false, 2 if something did not start, 130 after Ctrl-C.
"""


class Options(NamedTuple):
    seconds: float
    rate: float
    seed: int
    headless: bool
    transport: str
    model_root: Path
    pipeline: Path
    rules: Path
    directory: Path
    broker_warm_up_s: float = 4

    @property
    def endless(self) -> bool:
        return self.seconds == 0

    @property
    def events(self) -> int:
        return round(self.seconds * self.rate)


def parse(argv: list[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description="Find Bond: cameras all over the world, a real Kafka, a real network, alerts in milliseconds.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=_seconds, default=60, help="length of the stream (60); 0: until Ctrl-C")
    parser.add_argument("--rate", type=_rate, default=20, help="events a second (20)")
    parser.add_argument("--seed", type=int, default=7, help="another seed takes other photographs (7)")
    headless = os.environ.get("HEADLESS", "") not in ("", "0")
    parser.add_argument("--headless", action="store_true", default=headless, help="plain lines, no browser")
    parser.add_argument("--transport", choices=("tcp", "unix"), default="tcp", help="joiner to featurizer (tcp)")
    parser.add_argument("--model-root", type=Path, default=Path("build/models"), help="model directory (build/models)")
    parser.add_argument("--pipeline", type=Path, default=Path("pipelines/find-bond.yaml"), help=argparse.SUPPRESS)
    parser.add_argument("--rules", type=Path, default=Path("rules"), help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, default=Path("build/demo"), help="where results go (build/demo)")
    return Options(**vars(parser.parse_args(argv)))


def _seconds(text: str) -> float:
    if not 0 <= (value := float(text)) <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 3600")
    return value


def _rate(text: str) -> float:
    if not 0.1 <= (value := float(text)) <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is not between 0.1 and 1000")
    return value
