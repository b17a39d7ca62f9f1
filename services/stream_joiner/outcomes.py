"""How a record ends: exactly one of matched, rejected, filtered, no_match, dead_letter."""

import time

from confluent_kafka import Message

from services.stream_joiner.metrics import Metrics
from services.stream_joiner.sink import Output, Sink
from sightline.deadletters import dead_letter
from sightline.events import Event, Origin, Refusal
from sightline.ids import match_id
from sightline.io.kafka import TopicInfo
from sightline.matches import Match, encode
from sightline.offsets import Slot
from sightline.proto import featurizer_pb2 as pb
from sightline.query.compiler import Row
from sightline.query.keys import record_key
from sightline.query.pipeline import Pipeline


def now_us() -> int:
    """Wall clock, microseconds since the epoch: comparable with event times."""
    return time.time_ns() // 1_000


class Record:
    """One event between poll and outcome."""

    __slots__ = ("event", "message", "polled_us", "rows", "slot", "submitted_us")

    def __init__(self, message: Message, slot: Slot[Output], polled_us: int) -> None:
        self.message, self.slot, self.polled_us = message, slot, polled_us
        self.submitted_us = polled_us
        self.event: Event
        self.rows: tuple[object, ...] = ()

    @property
    def image(self) -> bytes:
        return self.event.image


class Outcomes:
    """Ends records: counts the outcome, gives its outputs to the sink in offset order."""

    def __init__(
        self, pipeline: Pipeline, source: tuple[str, TopicInfo], sink: Sink, metrics: Metrics, dead_letters: str
    ) -> None:
        """`source` is the cluster's id and what the events' topic is."""
        self._pipeline, self._sink, self._metrics = pipeline, sink, metrics
        self._cluster_id, self._topic = source
        self._dead_letters = dead_letters

    def nothing(self, record: Record, outcome: str) -> None:
        """The record gives no row, as it should."""
        self._metrics.outcome[outcome].inc()
        self._sink.release(record.slot.finish([]))

    def refused(self, record: Record, refusal: Refusal) -> None:
        self._metrics.outcome["dead_letter"].inc()
        self._metrics.dead_letter(self._pipeline.name, refusal.reason)
        self._sink.release(record.slot.finish([self._dead_letter(record.message, refusal)]))

    def refused_row(self, topic_id: str, message: Message, refusal: Refusal) -> None:
        """A table's row that can't be used; it holds nothing up."""
        self._metrics.dead_letter(self._pipeline.name, refusal.reason)
        self._sink.send(self._dead_letter(message, refusal, topic_id))

    def matched(self, record: Record, rows: list[Row], response: pb.PredictResponse | None) -> None:
        if not rows:
            self.nothing(record, "rejected")
            return
        matched_us = now_us()
        stages = self._stages(record, matched_us, response)
        outputs = [self._match(record, ordinal, row, matched_us, stages, response) for ordinal, row in enumerate(rows)]
        self._sink.release(record.slot.finish(outputs))
        self._metrics.outcome["matched"].inc()
        for stage, observe in self._metrics.stage.items():
            observe.observe(stages[stage] / 1e6)

    def _match(
        self,
        record: Record,
        ordinal: int,
        row: Row,
        matched_us: int,
        stages: dict[str, int],
        response: pb.PredictResponse | None,
    ) -> Output:
        event = record.event
        value, headers = encode(
            Match(
                id=match_id(self._pipeline.name, event.source, event.id, ordinal),
                pipeline=self._pipeline.name,
                time_us=event.time_us,
                event_id=event.id,
                event_source=event.source,
                origin=self._origin(record.message, self._topic.topic_id),
                match_time_us=matched_us,
                columns=row,
                stage_us=stages,
                model=response.model if response else None,
                model_version=response.model_version if response else None,
                engine=response.engine if response else None,
                traceparent=event.traceparent,
            )
        )
        return Output(self._pipeline.sink.topic, record_key(row, self._pipeline.sink.key), value, headers)

    def _stages(self, record: Record, matched_us: int, response: pb.PredictResponse | None) -> dict[str, int]:
        """Boundaries on one chain, so that they add up; decode and inference lie inside featurize."""
        ingest = record.polled_us - record.event.time_us
        if ingest < 0:
            self._metrics.clock_skew.inc()
        stages = {
            "ingest": max(0, ingest),
            "join": record.submitted_us - record.polled_us,
            "featurize": matched_us - record.submitted_us,
        }
        if response:
            stages |= {"decode": response.timing.decode_us, "inference": response.timing.inference_us}
        return stages

    def _dead_letter(self, message: Message, refusal: Refusal, topic_id: str | None = None) -> Output:
        origin = self._origin(message, topic_id or self._topic.topic_id)
        letter = dead_letter(message.key(), message.value(), message.headers(), refusal, origin, self._pipeline.name)
        return Output(self._dead_letters, *letter)

    def _origin(self, message: Message, topic_id: str) -> Origin:
        return Origin(self._cluster_id, topic_id, message.topic(), message.partition(), message.offset())
