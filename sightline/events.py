"""Camera events: CloudEvents 1.0 in the Kafka protocol binding's binary mode, and why one is refused.

Attributes travel as `ce_*` headers and the value is the encoded image
(https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md).
No I/O here: bytes and numbers in, an `Event` or a `Refusal` out.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import msgspec

Headers = Sequence[tuple[str, bytes | None]]

EVENT_TYPE = "sightline.image.v1"
IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp")

NAMES = "attribute names are lower-case letters and digits"

_EXTENSION = re.compile(r"[a-z0-9]+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Reason(StrEnum):
    """Why a record went to the dead-letter topic; also the metric label."""

    MISSING_HEADER = "missing_header"
    BAD_HEADER = "bad_header"
    BAD_TIME = "bad_time"
    FUTURE_TIME = "future_time"
    CONTENT_TYPE = "content_type"
    EMPTY_VALUE = "empty_value"
    BAD_VALUE = "bad_value"
    EVENT_TOO_LARGE = "event_too_large"
    NO_MATCH = "no_match"
    BAD_TABLE_ROW = "bad_table_row"
    BAD_MATCH = "bad_match"
    EVAL_ERROR = "eval_error"
    NOT_AN_IMAGE = "not_an_image"
    TRUNCATED_IMAGE = "truncated_image"
    IMAGE_TOO_LARGE = "image_too_large"
    MODEL_ERROR = "model_error"
    POISON = "poison"
    LATE = "late"


class Refusal(NamedTuple):
    """One record that can't be used, and why, in words for a person."""

    reason: Reason
    detail: str


class Origin(NamedTuple):
    """Where a record lies. The topic's id tells a recreated topic from the one that had its name before."""

    cluster_id: str
    topic_id: str
    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return "/".join(map(str, self))

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """Raises ValueError if `text` is not what `str(origin)` gives."""
        cluster_id, topic_id, topic, partition, offset = text.split("/")
        return cls(cluster_id, topic_id, topic, int(partition), int(offset))


class Limits(NamedTuple):
    event_bytes_max: int = 5 << 20
    future_s_max: float = 10.0


DEFAULT_LIMITS = Limits()


class Event(msgspec.Struct):
    """One event. Times are microseconds since the epoch, UTC."""

    id: str
    source: str
    type: str
    time_us: int
    camera: str | None
    locationid: str | None
    subject: str | None
    image: bytes
    extensions: dict[str, str]
    traceparent: str | None = None
    time_missing: bool = False


def parse_time_us(text: str) -> int:
    """RFC 3339 with a zone to microseconds since the epoch. Raises ValueError."""
    try:
        moment = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        raise ValueError(f"{text!r} is not an RFC 3339 time such as 2026-01-31T12:00:00.5Z") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write Z for UTC")
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def format_time_us(time_us: int) -> str:
    """RFC 3339 in UTC with six decimals."""
    return f"{_to_the_second(time_us // 1_000_000)}.{time_us % 1_000_000:06d}Z"


@lru_cache(1024)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


_KNOWN = {"specversion", "id", "source", "type", "time", "subject", "camera", "locationid", "traceparent"}


def decode(
    key: bytes | None, value: bytes | None, headers: Headers | None, timestamp_ms: int, limits: Limits = DEFAULT_LIMITS
) -> Event | Refusal:
    """One Kafka record as an event. `timestamp_ms` is the record's own, used where `ce_time` is missing."""
    if value is not None and len(value) > limits.event_bytes_max:
        return Refusal(Reason.EVENT_TOO_LARGE, f"{len(value)} bytes, allowed are {limits.event_bytes_max}")
    attributes = _attributes(headers or ())
    if isinstance(attributes, Refusal):
        return attributes
    content_type = media_type(attributes.pop("content-type", ""))
    return build(attributes, content_type, value, key, timestamp_ms, limits)


def build(
    attributes: dict[str, str],
    content_type: str,
    image: bytes | None,
    key: bytes | None,
    timestamp_ms: int,
    limits: Limits = DEFAULT_LIMITS,
) -> Event | Refusal:
    """An event of its attributes by name, without the prefix that they have as headers, and its data."""
    for name in ("specversion", "id", "source", "type"):
        if not attributes.get(name):
            return Refusal(Reason.MISSING_HEADER, f"ce_{name}")
    if content_type not in IMAGE_TYPES:
        return Refusal(Reason.CONTENT_TYPE, f"content-type is {content_type!r}, allowed are {', '.join(IMAGE_TYPES)}")
    if not image:
        return Refusal(Reason.EMPTY_VALUE, "the value is empty, an image was expected")
    time_us = _time_us(attributes.get("time"), timestamp_ms, limits)
    if isinstance(time_us, Refusal):
        return time_us
    return Event(
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        time_us=time_us,
        camera=attributes.get("camera") or (key.decode(errors="replace") if key else None),
        locationid=attributes.get("locationid"),
        subject=attributes.get("subject"),
        image=image,
        extensions={name: text for name, text in attributes.items() if name not in _KNOWN},
        traceparent=attributes.get("traceparent"),
        time_missing="time" not in attributes,
    )


def media_type(content_type: str) -> str:
    """Without parameters such as the charset."""
    return content_type.partition(";")[0].strip().lower()


def _attributes(headers: Headers) -> dict[str, str] | Refusal:
    """`ce_` names without their prefix, and content-type."""
    attributes: dict[str, str] = {}
    for name, raw in headers:
        if name.startswith("ce_"):
            short = name[3:]
            if not is_attribute_name(short):
                return Refusal(Reason.BAD_HEADER, f"{name!r}: {NAMES}")
        elif name.lower() == "content-type":
            short = "content-type"
        elif name == "traceparent":
            short = name
        else:
            continue
        try:
            attributes[short] = (raw or b"").decode()
        except UnicodeDecodeError:
            return Refusal(Reason.BAD_HEADER, f"{name!r} is not UTF-8")
    return attributes


def is_attribute_name(name: str) -> bool:
    return _EXTENSION.fullmatch(name) is not None


def _time_us(text: str | None, timestamp_ms: int, limits: Limits) -> int | Refusal:
    if text is None:
        return timestamp_ms * 1000
    try:
        time_us = parse_time_us(text)
    except ValueError as error:
        return Refusal(Reason.BAD_TIME, f"ce_time: {error}")
    ahead_s = time_us / 1e6 - timestamp_ms / 1e3
    if ahead_s > limits.future_s_max:
        return Refusal(
            Reason.FUTURE_TIME,
            f"ce_time {text} is {ahead_s:.1f} s ahead of the record's timestamp, allowed are {limits.future_s_max:g}",
        )
    return time_us


def encode_headers(attributes: dict[str, str | None], content_type: str) -> list[tuple[str, bytes]]:
    """Headers of a record in binary mode; an attribute that is None is left out."""
    headers = [("ce_specversion", b"1.0"), ("content-type", content_type.encode())]
    headers += [("ce_" + name, text.encode()) for name, text in attributes.items() if text is not None]
    return headers
