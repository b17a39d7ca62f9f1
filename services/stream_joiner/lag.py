"""How far behind the end of its partition each of ours is, from what the client knows without asking the broker."""

from confluent_kafka import Consumer, TopicPartition

from services.stream_joiner.engine import Engine
from services.stream_joiner.metrics import Metrics
from services.stream_joiner.sink import Later

LAG_S = 1.0


class Lag:
    """`measure` is called in the engine's owner, the consumer in its own thread."""

    def __init__(self, engine: Engine, metrics: Metrics, later: Later) -> None:
        self._engine, self._metrics, self._later = engine, metrics, later
        self._ends: dict[tuple[str, int], int] = {}
        self._next_s = 0.0
        engine.caught_up = self.caught_up
        engine.measure = self.measure

    def measure(self, now_s: float) -> None:
        if now_s < self._next_s:
            return
        self._next_s = now_s + LAG_S
        places = list(self._engine.sources)
        for topic, partition in places:
            if (source := self._engine.sources.get((topic, partition))) and (topic, partition) in self._ends:
                behind = max(0, self._ends[topic, partition] - source.log.done_until)
                self._metrics.lag(self._metrics.pipeline, partition, behind)
        self._later(lambda consumer: self._ask(consumer, places))

    def caught_up(self, topic: str, partition: int, position: int) -> bool:
        end = self._ends.get((topic, partition))
        return end is not None and position >= end

    def _ask(self, consumer: Consumer, places: list[tuple[str, int]]) -> None:
        for place in places:
            _, high = consumer.get_watermark_offsets(TopicPartition(*place), cached=True)
            if high >= 0:
                self._ends[place] = high
