"""How a record ends, by exactly one outcome of metrics.OUTCOMES.

Builds what is sent for it: matches (matching.py), dead letters, late rows, and the rows of windows.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from confluent_kafka import Message
from msgspec import structs

from services.stream_joiner.matching import Matching, Row, now_us
from services.stream_joiner.metrics import Metrics
from services.stream_joiner.sink import Output
from sightline.deadletters import dead_letter
from sightline.events import Origin, Reason, Refusal
from sightline.ids import window_id
from sightline.io.kafka import TopicInfo
from sightline.io.records import Raw
from sightline.matches import Envelope
from sightline.offsets import PartitionLog
from sightline.query.pipeline import Pipeline


class Place(NamedTuple):
    """Where a record lies."""

    topic: str
    partition: int
    offset: int


class Outcomes:
    """`topics` by name: each topic that records come from."""

    def __init__(
        self, pipeline: Pipeline, cluster_id: str, topics: Mapping[str, TopicInfo], metrics: Metrics, dead_letters: str
    ) -> None:
        self._pipeline, self._metrics, self._dead_letters = pipeline, metrics, dead_letters
        self._cluster_id, self._topics = cluster_id, topics
        self._matching = Matching(pipeline, cluster_id, topics, metrics)
        self.matches, self.matched = self._matching.outputs, self._matching.observe

    def count(self, outcome: str, events: int = 1) -> None:
        if events:
            self._metrics.outcome[outcome].inc(events)

    def letter(self, raw: Raw, log: PartitionLog[Any], refusal: Refusal | None) -> Output:
        """What is sent of an event of the log's partition that was refused; without a refusal its row was late."""
        place = Place(log.topic, log.partition, raw.offset)
        if refusal:
            self._metrics.outcome["dead_letter"].inc()
            return self._letter(raw, place, refusal)
        self._metrics.outcome["late"].inc()
        self._metrics.late.inc()
        letter = self._letter(raw, place, Refusal(Reason.LATE, "its window was closed when it came"))
        topic = self._pipeline.windows.late_topic
        return structs.replace(letter, topic=topic) if topic else letter

    def refused_row(self, message: Message, refusal: Refusal) -> Output:
        """The dead letter of a table's row that can't be used; it holds nothing up."""
        place = Place(str(message.topic()), message.partition() or 0, message.offset() or 0)
        return self._letter(Raw.of(message), place, refusal)

    def window(self, row: Row, start_us: int, end_us: int, key: Any, revision: str) -> Output:
        """The output of a group's row."""
        output = self._matching.row(row)
        if self._pipeline.sink.format == "json":
            return output
        identity, name = window_id(self._pipeline.name, start_us, key, revision), self._pipeline.name
        source = f"/pipelines/{name}".encode()
        headers = Envelope(name, now_us()).headers(identity, end_us, identity, source, "", None, None)
        return structs.replace(output, headers=headers)

    def refused_group(self, start_us: int, key: Any, detail: str, rows: int, reason: Reason) -> Output:
        """A group whose row can't be computed or came too late: its key and window stand for the record."""
        self._metrics.dead_letter(self._pipeline.name, reason)
        if reason is Reason.LATE:
            self._metrics.late.inc(rows)
        value = msgspec.json.encode({"window_start_us": start_us, "key": list(key), "rows": rows}, enc_hook=str)
        headers = [("sl_reason", reason.value), ("sl_detail", detail), ("sl_pipeline", self._pipeline.name)]
        topic = self._pipeline.windows.late_topic if reason is Reason.LATE else None
        return Output(topic or self._dead_letters, None, value, [(name, text.encode()) for name, text in headers])

    def _letter(self, raw: Raw, place: Place, refusal: Refusal) -> Output:
        self._metrics.dead_letter(self._pipeline.name, refusal.reason)
        origin = Origin(self._cluster_id, self._topics[place.topic].topic_id, *place)
        letter = dead_letter(raw.key, raw.value, raw.headers, refusal, origin, self._pipeline.name)
        return Output(self._dead_letters, *letter)
