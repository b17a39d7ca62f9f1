"""event→alert, the product's headline: from an event's due time to an independent subscriber's receipt of its alert.

An open-loop sender (demo.replay) sends photographs at a steady rate; every scored one alerts, so there is much to
measure. Writes benchmarks/results/latency.json and latency.png.
"""

import argparse
import json
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.latency import plot
from benchmarks.latency.figures import figures, percentiles, read
from benchmarks.machine import versions
from benchmarks.report import RESULTS, make_parser
from demo import measure
from demo.options import Options
from demo.replay import read_sent
from demo.report import served_model
from demo.screen import Screen
from demo.stage import Stage
from demo.start import System, start
from demo.summary import cpu
from tools.processes import Process

HERE = Path(__file__).parent
SCRATCH = Path("build/bench-latency")

ALERTS_A_EVENT = 0.7
"""28 of 40 cameras stand at watched places."""

WARM_UP_S = 15.0
BROKER_WARM_UP_S = 20.0

EXAMPLES = """\
examples:
  python -m benchmarks.latency                               both transports, 20 and 50 events/s, 2,000 alerts each
  python -m benchmarks.latency --alerts 300 --transports tcp  a quick look
"""


def main() -> None:
    parser = make_parser("benchmarks.latency", __doc__, EXAMPLES)
    parser.add_argument("--rates", type=float, nargs="+", default=[20, 50], help="events a second")
    parser.add_argument("--transports", nargs="+", choices=("tcp", "unix"), default=["tcp", "unix"])
    parser.add_argument("--alerts", type=int, default=2_000, help="alerts to measure at each rate at least")
    parser.add_argument("--model-root", type=Path, default=Path("build/models"))
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of latency.json and latency.png")
    options = parser.parse_args()
    measured = {each: _transport(each, options) for each in options.transports}
    headline = measured[options.transports[0]]
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "transport": options.transports[0],
        **headline,
        "other_transports": {each: measured[each] for each in options.transports[1:]},
        "cpu": cpu(),
        "versions": versions(),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "latency.json").write_text(json.dumps(result, indent=2) + "\n")
    plot.draw(result, options.out / "latency.png")
    print(f"{options.out / 'latency.json'}, {options.out / 'latency.png'}")


def _transport(transport: str, options: argparse.Namespace) -> dict[str, Any]:
    """One system, started for it, measured at each rate."""
    seconds = max(options.alerts / ALERTS_A_EVENT / rate for rate in options.rates)
    run = Options(
        seconds=seconds,
        rate=max(options.rates),
        seed=11,
        headless=True,
        transport=transport,
        model_root=options.model_root,
        pipeline=HERE / "pipeline.yaml",
        rules=HERE / "rules.yaml",
        directory=SCRATCH,
        broker_warm_up_s=BROKER_WARM_UP_S,
    )
    shutil.rmtree(SCRATCH / "run", ignore_errors=True)
    with Stage(SCRATCH / "run") as stage:
        system = start(stage, run, Screen())
        alerts = stage.directory / "alerts.jsonl"
        argv = ("-m", "benchmarks.latency.subscriber", f"--address={system.alerts_address}", f"--out={alerts}")
        stage.process("subscriber", sys.executable, *argv)
        system.watch.stop()
        rates = {}
        for rate in options.rates:
            _send(stage, system, rate, "warm-up", round(rate * WARM_UP_S))
            source, late_ms = _send(stage, system, rate, transport, round(options.alerts / ALERTS_A_EVENT * 1.05))
            rates[f"{rate:g}"] = figures(read(alerts, source)) | {"sender_late_ms": late_ms}
            print(f"{transport}, {rate:g} events/s: {_line(rates[f'{rate:g}'])}", flush=True)
        return {"rates": rates, "model": served_model(system.featurizer_address)}


def _send(stage: Stage, system: System, rate: float, name: str, count: int) -> tuple[str, dict[str, float]]:
    """Send, and wait until the joiner has finished with all of it.

    Returns the events' source, and by how many milliseconds the sender was late: where that is large, the machine
    itself stood still.
    """
    source = f"/bench/{name}-{rate:g}"
    sent = stage.directory / f"{name}-{rate:g}.jsonl"
    before = measure.read(system.joiner, system.featurizer).finished
    flags = {
        "bootstrap-servers": system.bootstrap_servers,
        "spool": system.spool_folder,
        "sent": sent,
        "rate": rate,
        "count": count,
        "source": source,
    }
    argv = [f"--{flag}={value}" for flag, value in flags.items()]
    sender = stage.process(f"{name}-{rate:g}", sys.executable, "-m", "demo.replay", *argv)
    _wait(stage, sender)
    while measure.read(system.joiner, system.featurizer).finished < before + count:
        stage.check()
        time.sleep(0.2)
    time.sleep(1)  # the last alert's way from the joiner to the subscriber's file
    return source, percentiles([event.late_us / 1e3 for event in read_sent(sent)])


def _wait(stage: Stage, sender: Process) -> None:
    while sender.exit_code is None:
        stage.check()
        time.sleep(0.2)
    if sender.exit_code:
        raise SystemExit(f"{sender.name} failed\n{sender.log_tail()}")


def _line(rate: dict[str, Any]) -> str:
    whole, ours = rate["whole_ms"], rate["ours_ms"]
    return (
        f"whole p50 {whole['p50']:.2f} p90 {whole['p90']:.2f} p99 {whole['p99']:.2f} ms; "
        f"ours p50 {ours['p50']:.2f} p99 {ours['p99']:.2f} ms; n {whole['n']}"
    )


if __name__ == "__main__":
    main()
