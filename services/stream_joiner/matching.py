"""What leaves for the events of a batch that match: what they have in common is worked out once, not for each."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec

from services.stream_joiner.metrics import Metrics
from services.stream_joiner.sink import Output
from sightline.events import Event, Origin
from sightline.ids import match_id, record_match_ids
from sightline.io.kafka import TopicInfo
from sightline.matches import Envelope, encode_columns
from sightline.proto import featurizer_pb2 as pb
from sightline.query.keys import record_key
from sightline.query.pipeline import Pipeline

Row = dict[str, Any]

Results = Sequence[tuple[int, Sequence[Row]]]
"""Of each event that has any, its index and its rows."""


def now_us() -> int:
    """Wall clock, microseconds since the epoch: comparable with event times."""
    return time.time_ns() // 1_000


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


class Scanned(msgspec.Struct, frozen=True):
    """Events of one partition, by index: their event times, their offsets, and CloudEvents themselves.

    All times are µs since the epoch.
    """

    topic: str
    partition: int
    events: Sequence[Event | None] | None
    times_us: Sequence[int]
    offsets: Sequence[int]
    polled_us: int
    submitted_us: int
    matched_us: int
    """Where no model is asked, the same as `submitted_us`."""


class Matching:
    """`topics` by name: each topic that records come from."""

    def __init__(self, pipeline: Pipeline, cluster_id: str, topics: Mapping[str, TopicInfo], metrics: Metrics) -> None:
        self._name, self._metrics = pipeline.name, metrics
        self._cluster_id, self._topics = cluster_id, topics
        self._topic, self._plain = pipeline.sink.topic, pipeline.sink.format == "json"
        self._key = record_key(pipeline.sink.key)

    def outputs(self, results: Results, scanned: Scanned, answered: Answered | None) -> list[Output]:
        """Of one event at least. `answered` where a model was asked."""
        if self._plain:
            topic, key = self._topic, self._key
            return [Output(topic, key(row), encode_columns(row)) for _, rows in results for row in rows]
        return self._with_headers(results, scanned, answered)

    def row(self, row: Row) -> Output:
        """Without headers."""
        return Output(self._topic, self._key(row), encode_columns(row))

    def observe(self, results: Results, scanned: Scanned) -> None:
        """Count what was sent, once it is on its way. Stages are boundaries on one chain, so that they add up."""
        metrics, polled_us, times_us, events = self._metrics, scanned.polled_us, scanned.times_us, len(results)
        ingest_us = [polled_us - times_us[index] for index, _ in results]
        if min(ingest_us) < 0:
            metrics.clock_skew.inc(sum(each < 0 for each in ingest_us))
            ingest_us = [max(0, each) for each in ingest_us]
        metrics.outcome["matched"].inc(events)
        metrics.stage["ingest"].observe_all([each / 1e6 for each in ingest_us])
        metrics.stage["join"].observe((scanned.submitted_us - polled_us) / 1e6, events)
        metrics.stage["featurize"].observe((scanned.matched_us - scanned.submitted_us) / 1e6, events)

    def _with_headers(self, results: Results, scanned: Scanned, answered: Answered | None) -> list[Output]:
        topic, key, name = self._topic, self._key, self._name
        polled_us, matched_us = scanned.polled_us, scanned.matched_us
        envelope = Envelope(name, matched_us, *(answered[:3] if answered else ()))
        # Decode and inference lie inside featurize.
        more = f",join={scanned.submitted_us - polled_us},featurize={matched_us - scanned.submitted_us}"
        if answered:
            more += f",decode={answered.decode_us},inference={answered.inference_us}"
        partition = Origin(self._cluster_id, self._topics[scanned.topic].topic_id, scanned.topic, scanned.partition, 0)
        before, record_id, record_source = (
            str(partition)[:-1],
            record_match_ids(name, partition),
            scanned.topic.encode(),
        )
        outputs = []
        for index, rows in results:
            event = scanned.events[index] if scanned.events is not None else None
            time_us, offset = scanned.times_us[index], scanned.offsets[index]
            stages, origin = f"ingest={max(0, polled_us - time_us)}{more}", f"{before}{offset}"
            if event is not None:
                event_id, source, trace = event.id, event.source.encode(), event.traceparent
                identity = partial(match_id, name, event.source, event_id)
            else:
                event_id, source, trace = origin, record_source, None
                identity = partial(record_id, offset)
            for ordinal, row in enumerate(rows):
                headers = envelope.headers(identity(ordinal), time_us, event_id, source, stages, origin, trace)
                outputs.append(Output(topic, key(row), encode_columns(row), headers))
        return outputs
