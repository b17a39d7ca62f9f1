"""One engine at each rate: warm-up, then what is measured."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.latency.figures import percentiles
from benchmarks.peers.engine import Engine
from benchmarks.peers.rig import Rig, Run
from tools.processes import Process, ProcessError

FIRST_TIMEOUT_S = 120.0
_DRAIN_S_MAX = 30.0


class Chain:
    """Sender → topic → engine → topic → reader; the engine is already running."""

    def __init__(self, rig: Rig, run: Run | None, events: str, sink: str, directory: Path) -> None:
        self._rig, self._run, self._events, self._directory = rig, run, events, directory
        self._received = directory / "received.bin"
        self._sent = 0
        argv = [sys.executable, "-m", "benchmarks.join.reader", f"--topic={sink}", f"--out={self._received}"]
        self.reader = self._process("reader", argv)

    def _process(self, name: str, argv: list[str]) -> Process:
        argv = [*argv, f"--bootstrap-servers={self._rig.bootstrap_servers}"]
        return Process(name, argv, self._directory / f"{name}.log")

    def send(self, rate: float, count: int) -> "Sent":
        """Until all is sent, and received or given up."""
        first, self._sent = self._sent, self._sent + count
        report = self._directory / f"sender-{first}.json"
        argv = [sys.executable, "-m", "benchmarks.join.sender", f"--topic={self._events}", f"--rate={rate}"]
        argv += [f"--count={count}", f"--first={first}", f"--report={report}"]
        before = self._cpu_s()
        sender = self._process(f"sender-{first}", argv)
        try:
            while sender.exit_code is None:
                self._check()
                time.sleep(0.1)
            if sender.exit_code:
                raise ProcessError(f"the sender ended with exit code {sender.exit_code}\n{sender.log_tail()}")
        finally:
            sender.kill()
        deadline = time.monotonic() + _DRAIN_S_MAX
        while len(ms := self._ms(first, count)) < count and time.monotonic() < deadline:
            self._check()
            time.sleep(0.2)
        late_ms = json.loads(report.read_text())["late_ms_max"]
        return Sent(count, ms, self._cpu_s() - before, late_ms)

    def wait_first(self) -> None:
        """Send one event a second until one comes through: the engine has started."""
        deadline = time.monotonic() + FIRST_TIMEOUT_S
        while not self._received.exists() or not self._received.stat().st_size:
            if time.monotonic() > deadline:
                raise ProcessError(f"nothing came through in {FIRST_TIMEOUT_S:.0f} s")
            first, self._sent = self._sent, self._sent + 1
            argv = [sys.executable, "-m", "benchmarks.join.sender", f"--topic={self._events}", "--rate=1", "--count=1"]
            argv += [f"--first={first}", f"--report={self._directory / 'first.json'}"]
            self._process("first", argv).wait()
            self._check()
            time.sleep(1)

    def _check(self) -> None:
        if self._run:
            self._run.check()
        if self.reader.exit_code is not None:
            raise ProcessError(f"the reader ended\n{self.reader.log_tail()}")

    def _cpu_s(self) -> float:
        return self._run.usage.now().cpu_s if self._run else 0.0

    def _ms(self, first: int, count: int) -> npt.NDArray[np.float64]:
        """Milliseconds of each event of these ids that came; the first receipt counts."""
        pairs = np.fromfile(self._received, dtype=np.float64)
        pairs = pairs[: len(pairs) // 2 * 2].reshape(-1, 2)
        ids, at = np.unique(pairs[:, 0], return_index=True)
        wanted = (ids >= first) & (ids < first + count)
        return np.asarray(pairs[at[wanted], 1])


class Sent:
    """What became of some events: milliseconds of those that came, CPU seconds of the engine; the sender's lateness."""

    def __init__(self, count: int, ms: npt.NDArray[np.float64], cpu_s: float, sender_late_ms: float) -> None:
        self.count, self.ms, self.cpu_s, self.sender_late_ms = count, ms, cpu_s, sender_late_ms


def measure(rig: Rig, engine: Engine | None, table: str, rates: dict[float, tuple[int, int]]) -> dict[float, Sent]:
    """By rate; `rates` has the events to warm up with and those to measure. Without an engine: producer to reader."""
    name = engine.name if engine else "none"
    events = rig.create_topic(f"events-{name}-{time.time_ns()}")
    if engine is None:
        directory = rig.directory / events
        directory.mkdir(parents=True)
        return _at_each_rate(Chain(rig, None, events, events, directory), rates)
    job = rig.job(engine, events, table, 1)
    with rig.run(engine, job) as run:
        # Samples in the background, 5 a second, each take a processor for 2 ms; here the ends are enough.
        run.usage.stop()
        return _at_each_rate(Chain(rig, run, events, job.sink, job.directory), rates)


def _at_each_rate(chain: Chain, rates: dict[float, tuple[int, int]]) -> dict[float, Sent]:
    measured = {}
    try:
        chain.wait_first()
        for rate, (warm_up, count) in rates.items():
            chain.send(rate, warm_up)
            measured[rate] = chain.send(rate, count)
            print(f"{rate:g}/s {line(measured[rate])};", end=" ", flush=True)
    finally:
        chain.reader.kill()
    return measured


def line(sent: Sent) -> str:
    if not len(sent.ms):
        return "nothing came"
    p50, p99 = np.percentile(sent.ms, (50, 99))
    missing = sent.count - len(sent.ms)
    return f"p50 {p50:.2f} p99 {p99:.2f} ms" + (f", {missing} missing" if missing else "")


def figures(rounds: list[Sent]) -> dict[str, Any]:
    """Percentiles over all rounds together, and each round's own: the least and the most of p50 and p99."""
    came = [sent.ms for sent in rounds if len(sent.ms)]
    if not came:
        return {"missing": sum(sent.count for sent in rounds)}
    result: dict[str, Any] = {"ms": percentiles(np.concatenate(came))}
    for p in (50, 99):
        each = [float(np.percentile(ms, p)) for ms in came]
        result[f"p{p}_by_round_ms"] = [round(value, 3) for value in each]
    events = sum(sent.count for sent in rounds)
    result["missing"] = events - sum(map(len, came))
    result["sender_late_ms_max"] = max(sent.sender_late_ms for sent in rounds)
    result["cpu_s_per_million"] = round(sum(sent.cpu_s for sent in rounds) / events * 1e6, 2)
    return result
