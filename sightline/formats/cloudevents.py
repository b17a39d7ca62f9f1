"""CloudEvents of images over Kafka, in binary and in structured mode.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from collections.abc import Collection, Mapping

from sightline import events
from sightline.events import DEFAULT_LIMITS, Event, Headers, Limits, Reason, Refusal, media_type
from sightline.formats import structured
from sightline.formats.reader import RecordBatch, Refusals, bad_size, one_by_one
from sightline.query.pipeline import Source
from sightline.query.runtime.columns import Columns
from sightline.query.schema import Column, event_columns


class CloudEventReader:
    """Rows are `sightline.events.Event`. All of an event is read, whatever is needed: it is small but for its image."""

    def __init__(self, source: Source, limits: Limits = DEFAULT_LIMITS) -> None:
        self.columns: Mapping[str, Column] = event_columns(source)
        self._limits = limits

    def needs(self, columns: Collection[str]) -> "CloudEventReader":
        return self

    def read(
        self, key: bytes | None, value: bytes | None, headers: Headers | None, timestamp_ms: int
    ) -> Event | Refusal:
        return decode(key, value, headers, timestamp_ms, self._limits)

    def read_many(self, batch: RecordBatch) -> tuple[list[Event], Refusals]:
        return one_by_one(self, batch)

    def read_columns(self, batch: RecordBatch) -> Columns | None:
        return None


def decode(
    key: bytes | None, value: bytes | None, headers: Headers | None, timestamp_ms: int, limits: Limits = DEFAULT_LIMITS
) -> Event | Refusal:
    """`events.decode`, and structured mode: the record's content type says which it is."""
    content_type = _content_type(headers)
    if content_type is None:
        return events.decode(key, value, headers, timestamp_ms, limits)
    if not value or len(value) > limits.event_bytes_max:
        return bad_size(value, limits.event_bytes_max)
    if content_type.startswith(structured.PREFIX + "-batch"):
        return Refusal(Reason.CONTENT_TYPE, f"content-type is {content_type!r}: one event a record is read, no batch")
    event = structured.parse(content_type, value)
    if isinstance(event, Refusal):
        return event
    return events.build(event.attributes, media_type(event.content_type), event.data, key, timestamp_ms, limits)


def _content_type(headers: Headers | None) -> str | None:
    """The record's content type where it is a structured one, else None."""
    for name, raw in headers or ():
        if name.lower() == "content-type" and raw is not None:
            content_type = media_type(raw.decode(errors="replace"))
            return content_type if content_type.startswith(structured.PREFIX) else None
    return None
