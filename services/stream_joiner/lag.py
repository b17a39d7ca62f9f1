"""How far behind the end of its partition each of ours is, as a broker said a moment ago."""

import logging
import threading
import time
from queue import SimpleQueue

from confluent_kafka import KafkaException, TopicPartition

from services.stream_joiner.engine import Engine
from services.stream_joiner.metrics import Metrics
from sightline.io.ends import EndOffsets

log = logging.getLogger(__name__)

LAG_S = 1.0
FRESH_S = 3.0
"""An older answer says nothing of now: a partition whose broker is away is not known to be silent."""


class Lag(threading.Thread):
    """A thread that asks; all else is used in the engine's owner."""

    def __init__(self, engine: Engine, metrics: Metrics, ends: EndOffsets) -> None:
        super().__init__(name="lag", daemon=True)
        self._engine, self._metrics, self._client = engine, metrics, ends
        self._ends: dict[tuple[str, int], tuple[int, float]] = {}
        self._questions: SimpleQueue[list[TopicPartition]] = SimpleQueue()
        self._next_s = 0.0
        engine.caught_up = self.caught_up
        engine.measure = self.measure

    def measure(self, now_s: float) -> None:
        if now_s < self._next_s:
            return
        self._next_s = now_s + LAG_S
        for place, source in self._engine.sources.items():
            if place in self._ends:
                behind = max(0, self._ends[place][0] - source.log.done_until)
                self._metrics.lag(self._metrics.pipeline, place[1], behind)
        if self._questions.empty() and self._engine.sources:
            self._questions.put([TopicPartition(*place) for place in self._engine.sources])

    def caught_up(self, topic: str, partition: int, position: int) -> bool:
        """There was nothing to read from `position` on."""
        end, asked_s = self._ends.get((topic, partition), (0, float("-inf")))
        return position >= end and time.monotonic() - asked_s < FRESH_S

    def run(self) -> None:
        while True:
            question, asked_s = self._questions.get(), time.monotonic()
            try:
                answer = self._client.ask(question)
            except KafkaException as error:
                log.info("no end offsets, asked again soon", extra={"why": error.args[0].str()})
                continue
            self._ends |= {place: (end, asked_s) for place, end in answer.items()}
