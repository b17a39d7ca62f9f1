"""How far behind the end of its partition each of ours is, as a broker said a moment ago."""

import time
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from services.stream_joiner.engine import Engine
from services.stream_joiner.metrics import Metrics
from sightline.io.kafka import ask_end_offsets

LAG_S = 1.0
FRESH_S = 3.0
"""An older answer says nothing of now: a partition whose broker is away is not known to be silent."""


class Lag:
    """Used in the engine's owner; answers come on a thread of the client."""

    def __init__(self, engine: Engine, metrics: Metrics, client: AdminClient) -> None:
        self._engine, self._metrics, self._client = engine, metrics, client
        self._ends: dict[tuple[str, int], tuple[int, float]] = {}
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
        asked = [TopicPartition(*place) for place in self._engine.sources]
        for partition, answer in ask_end_offsets(self._client, asked).items():
            answer.add_done_callback(partial(self._answered, (partition.topic, partition.partition)))

    def caught_up(self, topic: str, partition: int, position: int) -> bool:
        """There was nothing to read from `position` on."""
        end, answered_s = self._ends.get((topic, partition), (0, float("-inf")))
        return position >= end and time.monotonic() - answered_s < FRESH_S

    def _answered(self, place: tuple[str, int], answer: "Future[Any]") -> None:
        with suppress(KafkaException):  # The broker is away: it is asked again.
            self._ends[place] = (answer.result().offset, time.monotonic())
