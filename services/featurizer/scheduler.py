"""One model's queue and the thread that runs its batches.

    submit -> batcher -> [engine thread: decode, infer] -> back on the loop: next batch out first, then the answers

Every decision is taken on the event loop, so nothing here needs a lock. A batch costs two hand-overs between threads:
to the engine thread and back.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Thread
from typing import NamedTuple

from services.common.pulse import Pulse
from services.featurizer.errors import EXPIRED, MODEL_ERROR, Refusal, not_admitted
from services.featurizer.metrics import ModelMetrics
from services.featurizer.scoring import Row, Scored, Scorer
from sightline.batching import Batcher, Part
from sightline.models.signatures import PREDICT

CLOSE_S = 1.0
"""How long the batch that runs gets to end after draining."""

log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """One row for each image. Decode and inference are of the whole batch (of a split request: of all its batches)."""

    rows: list[Row]
    queue_s: float
    decode_s: float
    inference_s: float
    batch_rows: int


@dataclass(eq=False, slots=True)
class Job:
    """Images that someone wants run by a signature. `answer` is called once, on the event loop."""

    images: Sequence[bytes]
    answer: Callable[[Answer | Refusal], None]
    signature: str = PREDICT
    priority: int = 0
    timeout_s: float | None = None
    arrived_s: float = field(default_factory=time.monotonic)
    queue_s: float | None = None
    decode_s: float = 0
    inference_s: float = 0
    batch_rows: int = 0
    rows: list[Row] = field(default_factory=list)


class Scheduler:
    """Use from the event loop that made it."""

    def __init__(self, scorer: Scorer, batcher: Batcher[Job], metrics: ModelMetrics, pulse: Pulse) -> None:
        """`pulse` is that of the engine thread, which is called as it is."""
        self._scorer, self._batcher, self._metrics, self._pulse = scorer, batcher, metrics, pulse
        self._loop = asyncio.get_running_loop()
        self._inbox: SimpleQueue[list[Part[Job]] | None] = SimpleQueue()
        self._busy = False
        self._queued_rows = 0
        self._thread = Thread(target=self._work, name=pulse.name, daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> Refusal | None:
        """Queue the job, and run it at once if the model is idle. A refusal means that nothing will answer it."""
        expires_s = None if job.timeout_s is None else job.arrived_s + job.timeout_s
        admission = self._batcher.offer(
            job, len(job.images), priority=job.priority, expires_s=expires_s, group=job.signature
        )
        if not self._busy:
            self._run_next()
        else:
            self._count_queue()
        return not_admitted(admission, len(job.images))

    def drop(self, jobs: set[Job]) -> None:
        """Nobody waits for these any more. What already runs, runs to its end."""
        self._batcher.drop(jobs.__contains__)
        self._count_queue()

    async def close(self) -> bool:
        """True when nothing runs any more; False when the batch that runs does not end."""
        self._inbox.put(None)
        await asyncio.to_thread(self._thread.join, CLOSE_S)
        return not self._thread.is_alive()

    def _run_next(self) -> None:
        parts, expired = self._batcher.take(time.monotonic())
        self._busy = bool(parts)
        if parts:
            self._inbox.put(parts)
        for job in expired:
            job.answer(EXPIRED)

    def _work(self) -> None:
        while (parts := self._inbox.get()) is not None:
            images = [image for part in parts for image in part.work.images[part.start : part.stop]]
            self._pulse.beat()
            try:
                scored = self._scorer.score(images, parts[0].work.signature)
            except Exception:
                log.exception("a batch failed")
                scored = Scored([MODEL_ERROR] * len(images), time.monotonic(), 0, 0)
            self._pulse.rest()
            self._loop.call_soon_threadsafe(self._ran, parts, scored)

    def _ran(self, parts: list[Part[Job]], scored: Scored) -> None:
        self._run_next()
        begin = 0
        for job, start, stop in parts:
            rows = scored.rows[begin : begin + stop - start]
            begin += stop - start
            if job.queue_s is None:
                job.queue_s = scored.started_s - job.arrived_s
            job.rows += rows
            job.decode_s += scored.decode_s
            job.inference_s += scored.inference_s
            job.batch_rows = max(job.batch_rows, len(scored.rows))
            if len(job.rows) == len(job.images):
                job.answer(Answer(job.rows, job.queue_s, job.decode_s, job.inference_s, job.batch_rows))
        # After the writers, which the answers have just put on the loop's list: no answer waits for a metric.
        self._loop.call_soon(self._observe, parts, scored)

    def _observe(self, parts: list[Part[Job]], scored: Scored) -> None:
        for job, start, _ in parts:
            if start == 0:
                self._metrics.queue_seconds.observe(scored.started_s - job.arrived_s)
        self._metrics.decode_seconds.observe(scored.decode_s)
        self._metrics.inference_seconds.observe(scored.inference_s)
        self._metrics.batch_rows.observe(len(scored.rows))
        self._count_queue()

    def _count_queue(self) -> None:
        self._metrics.queue_rows.inc(self._batcher.rows - self._queued_rows)
        self._queued_rows = self._batcher.rows
