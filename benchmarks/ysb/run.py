"""One engine over one topic, from its start to its last window."""

import time
from typing import NamedTuple

from benchmarks.peers.engine import Engine
from benchmarks.peers.rig import Rig, Run
from benchmarks.ysb.load import Topic
from benchmarks.ysb.sink import Sink

IDLE_S = 15.0
"""An engine that has used next to no CPU for so long will write nothing more."""

_IDLE_CPU = 0.12
_TRICKLE_EVERY_S = 0.25
_TIMEOUT_S = 900.0


class Figures(NamedTuple):
    """Of a whole run, start-up included; `wrong` windows of `windows`."""

    cpu_s: float
    wall_s: float
    rss_bytes_peak: int
    records: int
    windows: int
    wrong: int


def measure(rig: Rig, engine: Engine, topic: Topic, table: str) -> Figures:
    """Raises ProcessError if the engine ends by itself."""
    job = rig.job(engine, topic.name, table, topic.partitions)
    sink = Sink(rig.bootstrap_servers, job.sink)
    begin = time.monotonic()
    try:
        with rig.run(engine, job) as run:
            _follow(run, sink, topic, begin)
            usage = run.usage
            usage.samples.append(usage.now())
    finally:
        sink.close()
    last = sink.last(topic.truth) or time.monotonic()
    cpu_s, wrong = usage.cpu_s_at(last), len(sink.wrong(topic.truth))
    return Figures(cpu_s, last - begin, usage.rss_bytes_peak, sink.records, len(topic.truth), wrong)


def _follow(run: Run, sink: Sink, topic: Topic, begin: float) -> None:
    """Until every window is right, or the engine does no more, or time is up."""
    trickled = 0.0
    while time.monotonic() - begin < _TIMEOUT_S:
        run.check()
        sink.poll()
        # A look at the size first: comparing every window each time would keep the broker's core busy.
        if len(sink.arrivals) >= len(topic.truth) and not sink.wrong(topic.truth):
            return
        now = time.monotonic()
        if now - begin > IDLE_S + 10 and run.usage.cpu_s_in_last(IDLE_S) < IDLE_S * _IDLE_CPU * len(run.processes):
            return
        if now - trickled > _TRICKLE_EVERY_S:
            trickled = now
            topic.close()
