"""A live stream at a moderate rate: how long after a window's end its count is in the sink."""

import threading
import time
from collections import Counter
from typing import NamedTuple

import numpy as np

from benchmarks.peers.engine import Engine
from benchmarks.peers.rig import Rig
from benchmarks.ysb.events import WINDOW_MS, Counts, Generator
from benchmarks.ysb.load import producer
from benchmarks.ysb.sink import Sink

WARM_UP_S = 25.0
"""Windows that end earlier after the engine's start are not measured: the JVM compiles, clients connect."""

_TICK_S = 0.005
_LATE_S = 15.0


class Latencies(NamedTuple):
    """Milliseconds from a window's end to its count's receipt; windows without a right count are `missing`."""

    ms: list[float]
    missing: int


class Sender(threading.Thread):
    """Open loop: event i has the time at which it is due, and is sent then, or as soon after as may be."""

    def __init__(self, bootstrap_servers: str, topic: str, generator: Generator, rate: int) -> None:
        super().__init__(daemon=True)
        self._topic, self._generator, self._rate = topic, generator, rate
        self._producer = producer(bootstrap_servers, linger_ms=0)
        self._stopping = threading.Event()
        self.truth: Counts = Counter()

    def run(self) -> None:
        begin, sent = time.time(), 0
        while not self._stopping.wait(_TICK_S):
            due = int((time.time() - begin) * self._rate)
            if due > sent:
                times = ((begin + np.arange(sent, due) / self._rate) * 1000).astype(np.int64)
                chunk = self._generator.chunk(sent, times)
                for value in chunk.values:
                    self._producer.produce(self._topic, value, partition=0)
                self._producer.poll(0)
                self.truth.update(chunk.views)
                sent = due
        self._producer.flush()

    def stop(self) -> None:
        self._stopping.set()
        self.join()


def measure(rig: Rig, engine: Engine, generator: Generator, table: str, rate: int, seconds: float) -> Latencies:
    """Of the windows that end in the `seconds` after the warm-up. Raises ProcessError if the engine ends by itself."""
    events = rig.create_topic(f"live-{engine.name}-{time.time_ns()}")
    job = rig.job(engine, events, table, 1)
    sink = Sink(rig.bootstrap_servers, job.sink)
    sender = Sender(rig.bootstrap_servers, events, generator, rate)
    sender.start()
    begin_ms = time.time() * 1000 + WARM_UP_S * 1000
    end_ms = begin_ms + seconds * 1000

    def measured() -> Counts:
        return Counter({k: n for k, n in sender.truth.copy().items() if begin_ms <= k[1] + WINDOW_MS < end_ms})

    try:
        with rig.run(engine, job) as run:
            while (now_ms := time.time() * 1000) < end_ms + _LATE_S * 1000:
                run.check()
                sink.poll(0.05)
                if now_ms > end_ms + 1000 and not sink.wrong(measured()):
                    break
    finally:
        sender.stop()
        sink.close()
    truth = measured()
    missing = {key for key, *_ in sink.wrong(truth)}
    return Latencies([sink.arrivals[k].at_ms - k[1] - WINDOW_MS for k in truth if k not in missing], len(missing))
