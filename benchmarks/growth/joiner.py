"""Joiners that read a topic to its end, and what that took."""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from benchmarks.growth.load import Topic
from benchmarks.peers.engine import Argv, Engine, Job
from benchmarks.peers.ours.adapter import commands, group, our_version
from benchmarks.peers.rig import Rig, Run
from benchmarks.ysb.run import Figures
from sightline.io.kafka import end_offsets, reader_config
from sightline.io.offsets import patiently
from tools.processes import Process, ProcessError

HERE = Path(__file__).parent

TIMEOUT_S = 300.0
_POLL_S = 0.05
_SETTLE_S = 1.0
_ANSWER_S = 5.0


class Whole(NamedTuple):
    """`jobs` may be started again: their groups, changelogs and sinks are those of the processes killed by now.

    `figures.wall_s` counts from the first joiner's readiness, at which it begins to read, and `start_s` until then.
    `rss_bytes_settled` is what they held a second after the end.
    """

    figures: Figures
    rss_bytes_settled: int
    start_s: float
    jobs: list[Job]


def joiner(pipeline: str, **flags: Any) -> Engine:
    """The joiner with a pipeline file of this folder. A static member of its group: a restart need not wait for the
    session of the one killed to end.
    """

    def start(job: Job) -> list[Argv]:
        return commands(HERE / pipeline, job, instance="bench", **flags)

    return Engine("growth", our_version, lambda: None, start)


def read_whole(rig: Rig, engine: Engine, topic: Topic, rows: int = 0, table: str = "none", pipelines: int = 1) -> Whole:
    """`pipelines` joiners at once, until each has committed the topic's end, then killed. Each should write `rows`.

    Raises ProcessError if one ends by itself or time is up.
    """
    jobs = [rig.job(engine, topic.name, table, 1) for _ in range(pipelines)]
    progress, begin_s = [_progress(rig, job) for job in jobs], time.time()
    with ExitStack() as stack:
        runs = [stack.enter_context(rig.run(engine, job)) for job in jobs]
        until(runs, lambda: all(_committed(*each) >= topic.events for each in zip(progress, jobs, strict=True)))
        end_s, cpu_s = time.time(), sum(run.usage.now().cpu_s for run in runs)
        time.sleep(_SETTLE_S)
        settled = sum(run.usage.now().rss_bytes for run in runs)
        peak = sum(run.usage.rss_bytes_peak for run in runs)
        ready_s = min(at_s(logged(run.processes[0], "ready")) for run in runs)
    for each in progress:
        each.close()
    client = rig.admin
    written = [sink_records(client, job) for job in jobs]
    wrong = sum(abs(each - rows) for each in written)
    figures = Figures(cpu_s, end_s - ready_s, peak, sum(written), rows * pipelines, wrong)
    return Whole(figures, settled, ready_s - begin_s, jobs)


def until(runs: Sequence[Run], reached: Callable[[], bool]) -> None:
    """Raises ProcessError if a process ends first or TIMEOUT_S pass."""
    deadline = time.monotonic() + TIMEOUT_S
    while not reached():
        for run in runs:
            run.check()
        if time.monotonic() > deadline:
            raise ProcessError(f"not done after {TIMEOUT_S:.0f} s\n{runs[0].processes[0].log_tail()}")
        time.sleep(_POLL_S)


def _progress(rig: Rig, job: Job) -> Consumer:
    """Asks for what the job's group has committed, and joins no group."""
    return Consumer(reader_config(rig.bootstrap_servers) | {"group.id": group(job)})


def _committed(progress: Consumer, job: Job) -> int:
    """The offset that the job's group has committed of its events, negative without."""
    (found,) = patiently(lambda: progress.committed([TopicPartition(job.events, 0)], _ANSWER_S))
    return int(found.offset)


def sink_records(client: AdminClient, job: Job) -> int:
    return end_offsets(client, [TopicPartition(job.sink, 0)])[0]


def logged(process: Process, message: str) -> dict[str, Any] | None:
    """The first line of the process's log with this message."""
    for line in process.log.read_text(errors="replace").splitlines():
        if f'"message": "{message}"' in line:
            found: dict[str, Any] = json.loads(line)
            return found
    return None


def at_s(line: dict[str, Any] | None) -> float:
    """When a line was logged, seconds since the epoch. Raises ProcessError if there is none."""
    if line is None:
        raise ProcessError("the joiner's log lacks a line")
    return datetime.fromisoformat(line["time"]).timestamp()
