"""How a record ends, by exactly one outcome of metrics.OUTCOMES.

Builds what is sent for it: matches, dead letters, late rows, and the rows of windows.
"""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from confluent_kafka import Message

from services.stream_joiner.metrics import Metrics
from services.stream_joiner.sink import Output
from sightline.deadletters import dead_letter
from sightline.events import Event, Origin, Reason, Refusal
from sightline.ids import match_id, record_match_id, window_id
from sightline.io.kafka import TopicInfo
from sightline.io.records import Raw
from sightline.matches import Match, encode, encode_columns
from sightline.proto import featurizer_pb2 as pb
from sightline.query.keys import record_key
from sightline.query.pipeline import Pipeline

Row = dict[str, Any]


def now_us() -> int:
    """Wall clock, microseconds since the epoch: comparable with event times."""
    return time.time_ns() // 1_000


class Place(NamedTuple):
    """Where a record lies."""

    topic: str
    partition: int
    offset: int


class Times(NamedTuple):
    """Of an event, µs since the epoch."""

    event_us: int
    polled_us: int
    submitted_us: int


class Outcomes:
    """`topics` by name: each topic that records come from."""

    def __init__(
        self, pipeline: Pipeline, cluster_id: str, topics: Mapping[str, TopicInfo], metrics: Metrics, dead_letters: str
    ) -> None:
        self._pipeline, self._metrics, self._dead_letters = pipeline, metrics, dead_letters
        self._cluster_id, self._topics = cluster_id, topics
        sink = pipeline.sink
        self._sink_topic, self._sink_key, self._plain = sink.topic, sink.key, sink.format == "json"

    def count(self, outcome: str, events: int = 1) -> None:
        if events:
            self._metrics.outcome[outcome].inc(events)

    def refused(self, raw: Raw, place: Place, refusal: Refusal) -> Output:
        """The dead letter of an event."""
        self._metrics.outcome["dead_letter"].inc()
        return self._letter(raw, place, refusal)

    def refused_row(self, message: Message, refusal: Refusal) -> Output:
        """The dead letter of a table's row that can't be used; it holds nothing up."""
        place = Place(str(message.topic()), message.partition() or 0, message.offset() or 0)
        return self._letter(Raw.of(message), place, refusal)

    def late(self, raw: Raw, place: Place) -> Output:
        """A row that came after its window was closed."""
        self._metrics.outcome["late"].inc()
        self._metrics.late.inc()
        refusal = Refusal(Reason.LATE, "its window was closed when it came")
        if self._pipeline.windows.late_topic:
            return self._letter(raw, place, refusal)._replace(topic=self._pipeline.windows.late_topic)
        return self._letter(raw, place, refusal)

    def matches(
        self, rows: list[Row] | tuple[Row, ...], event: Any, place: Place, times: Times, response: "Answered | None"
    ) -> list[Output]:
        """The outputs of an event's rows."""
        matched_us = now_us() if response else times.submitted_us
        stages = self._stages(times, matched_us, response)
        if self._plain:
            outputs = [self._row(row) for row in rows]
        else:
            origin = Origin(self._cluster_id, self._topics[place.topic].topic_id, *place)
            outputs = [
                self._match(n, row, event, origin, times, matched_us, stages, response) for n, row in enumerate(rows)
            ]
        self._metrics.outcome["matched"].inc()
        for stage, observe in self._metrics.stage.items():
            observe.observe(stages[stage] / 1e6)
        return outputs

    def _match(
        self,
        ordinal: int,
        row: Row,
        event: Any,
        origin: Origin,
        times: Times,
        matched_us: int,
        stages: dict[str, int],
        response: "Answered | None",
    ) -> Output:
        name = self._pipeline.name
        if isinstance(event, Event):
            event_id, source, trace = event.id, event.source, event.traceparent
            identity = match_id(name, source, event_id, ordinal)
        else:
            event_id, source, trace = str(origin), origin.topic, None
            identity = record_match_id(name, origin, ordinal)
        match = Match(
            id=identity,
            pipeline=name,
            time_us=times.event_us,
            event_id=event_id,
            event_source=source,
            origin=origin,
            match_time_us=matched_us,
            columns=row,
            stage_us=stages,
            model=response.model if response else None,
            model_version=response.version if response else None,
            engine=response.engine if response else None,
            traceparent=trace,
        )
        return self._output(match)

    def window(self, row: Row, start_us: int, end_us: int, key: Any, revision: str) -> Output:
        """The output of a group's row."""
        if self._plain:
            return self._row(row)
        identity = window_id(self._pipeline.name, start_us, key, revision)
        return self._output(
            Match(
                id=identity,
                pipeline=self._pipeline.name,
                time_us=end_us,
                event_id=identity,
                event_source=f"/pipelines/{self._pipeline.name}",
                origin=None,
                match_time_us=now_us(),
                columns=row,
                stage_us={},
            )
        )

    def refused_group(self, start_us: int, key: Any, detail: str, rows: int, reason: Reason) -> Output:
        """A group whose row can't be computed or came too late: its key and window stand for the record."""
        self._metrics.dead_letter(self._pipeline.name, reason)
        if reason is Reason.LATE:
            self._metrics.late.inc(rows)
        value = msgspec.json.encode({"window_start_us": start_us, "key": list(key), "rows": rows}, enc_hook=str)
        headers = [("sl_reason", reason.value), ("sl_detail", detail), ("sl_pipeline", self._pipeline.name)]
        topic = self._pipeline.windows.late_topic if reason is Reason.LATE else None
        return Output(topic or self._dead_letters, None, value, [(name, text.encode()) for name, text in headers])

    def _row(self, row: Row) -> Output:
        return Output(self._sink_topic, record_key(row, self._sink_key), encode_columns(row))

    def _output(self, match: Match) -> Output:
        value, headers = encode(match)
        return Output(self._sink_topic, record_key(match.columns, self._sink_key), value, headers)

    def _stages(self, times: Times, matched_us: int, response: "Answered | None") -> dict[str, int]:
        """Boundaries on one chain, so that they add up; decode and inference lie inside featurize."""
        ingest = times.polled_us - times.event_us
        if ingest < 0:
            self._metrics.clock_skew.inc()
        stages = {
            "ingest": max(0, ingest),
            "join": times.submitted_us - times.polled_us,
            "featurize": matched_us - times.submitted_us,
        }
        if response:
            stages |= {"decode": response.decode_us, "inference": response.inference_us}
        return stages

    def _letter(self, raw: Raw, place: Place, refusal: Refusal) -> Output:
        self._metrics.dead_letter(self._pipeline.name, refusal.reason)
        origin = Origin(self._cluster_id, self._topics[place.topic].topic_id, *place)
        letter = dead_letter(raw.key, raw.value, raw.headers, refusal, origin, self._pipeline.name)
        return Output(self._dead_letters, *letter)


class Answered(NamedTuple):
    """Who scored an event, and how long its batch took, µs."""

    model: str
    version: str
    engine: str
    decode_us: int
    inference_us: int

    @classmethod
    def of(cls, response: pb.PredictResponse) -> "Answered":
        timing = response.timing
        return cls(response.model, response.model_version, response.engine, timing.decode_us, timing.inference_us)
