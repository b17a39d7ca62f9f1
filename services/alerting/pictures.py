"""A process of its own that makes thumbnails of events: a hostile image can hurt nothing but itself.

    SIGHTLINE_KAFKA_BOOTSTRAP_SERVERS=H:P python -m services.alerting.pictures

and the other variables of `sightline.io.brokers`. One request a line on standard input, {"origin", "event_id",
"event_source"}; one answer a line on standard output: {"jpeg": base64}, {"gone": why} where the event is not there any
more, or {"failed": why} where a retry may help.
It ends with its standard input.
"""

import io
import os
import sys
import time
import warnings

import msgspec
from confluent_kafka import Message, TopicPartition
from PIL import Image, ImageOps

from sightline.events import Origin, Refusal
from sightline.formats import cloudevents
from sightline.io import kafka
from sightline.io.brokers import SERVERS, Brokers

PICTURE_BYTES_MAX = 16 << 10
PIXELS_MAX = 64_000_000
"""Above the largest photograph of a camera; a decompression bomb is larger still."""

_SIZES = ((480, 80), (480, 65), (400, 60), (320, 55), (240, 50), (160, 40), (96, 30))
"""Edge in pixels and JPEG quality, tried until the picture is small enough."""
_TIMEOUT_S = 5.0
_KNOWN_S = 10.0
_NICENESS = 10
"""Alerts come first, pictures when there is time."""
_ONE_RECORD: kafka.Config = {
    "auto.offset.reset": "error",
    # One record is wanted: don't read far ahead of it, and don't let the next question wait behind an idle fetch.
    "queued.min.messages": 1,
    "fetch.message.max.bytes": 1 << 20,
    "fetch.wait.max.ms": 10,
}


class GoneError(Exception):
    """The event can't be had any more."""


class Request(msgspec.Struct):
    origin: str
    event_id: str
    event_source: str


class Answer(msgspec.Struct, omit_defaults=True):
    jpeg: bytes | None = None
    gone: str | None = None
    failed: str | None = None


def thumbnail(encoded: bytes) -> bytes:
    """A JPEG of at most PICTURE_BYTES_MAX, upright, without metadata. Raises GoneError where there is no picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(encoded), formats=("JPEG", "PNG", "WEBP"))
            opened.draft("RGB", (_SIZES[0][0], _SIZES[0][0]))
            image = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise GoneError(f"not a picture: {error}") from None
    for edge, quality in _SIZES:
        image.thumbnail((edge, edge))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= PICTURE_BYTES_MAX:
            break
    return out.getvalue()


class EventReader:
    """Finds an event where a match says it lies, and makes sure that it is that event."""

    def __init__(self, brokers: Brokers) -> None:
        self._admin = kafka.admin(brokers)
        self._known: dict[str, tuple[str, str, float]] = {}
        self._consumer = kafka.Consumer(kafka.reader_config(brokers) | _ONE_RECORD)

    def close(self) -> None:
        self._consumer.close()

    def image(self, request: Request) -> bytes:
        """Raises GoneError, or KafkaException where the broker does not answer."""
        origin = Origin.parse(request.origin)
        self._check_place(origin)
        message = self._message(origin)
        event = cloudevents.decode(message.key(), message.value(), message.headers(), message.timestamp()[1])
        if isinstance(event, Refusal):
            raise GoneError(event.detail)
        if (event.id, event.source) != (request.event_id, request.event_source):
            raise GoneError("another event lies there")
        return event.image

    def _check_place(self, origin: Origin) -> None:
        """Offsets begin anew in another cluster and in a topic that was recreated."""
        cluster_id, topic_id = self._place(origin.topic)
        if cluster_id != origin.cluster_id:
            raise GoneError("the event lies in another cluster")
        if topic_id != origin.topic_id:
            raise GoneError("the topic was recreated")

    def _place(self, topic: str) -> tuple[str, str]:
        """Cluster id and topic id, asked for now and then: the event's id is compared in any case."""
        cluster_id, topic_id, until_s = self._known.get(topic, ("", "", 0.0))
        if time.monotonic() > until_s:
            try:
                topic_id = kafka.describe(self._admin, [topic], _TIMEOUT_S)[topic].topic_id
            except kafka.TopicMissingError as error:
                raise GoneError(str(error)) from None
            cluster_id = kafka.cluster_id(self._admin, _TIMEOUT_S)
            self._known = {topic: (cluster_id, topic_id, time.monotonic() + _KNOWN_S)}
        return cluster_id, topic_id

    def _message(self, origin: Origin) -> Message:
        at = TopicPartition(origin.topic, origin.partition, origin.offset)
        low, high = self._consumer.get_watermark_offsets(at, timeout=_TIMEOUT_S)
        if not low <= origin.offset < high:
            raise GoneError("the event has expired")
        self._consumer.assign([at])
        try:
            deadline_s = time.monotonic() + _TIMEOUT_S
            while time.monotonic() < deadline_s:
                message = self._consumer.poll(0.1)
                if message is not None and not message.error():
                    if message.offset() != origin.offset:
                        raise GoneError("the event has expired")
                    return message
        finally:
            self._consumer.unassign()
        raise TimeoutError("Kafka did not send the event in time")


def answer(reader: EventReader, line: bytes) -> Answer:
    try:
        return Answer(jpeg=thumbnail(reader.image(msgspec.json.decode(line, type=Request))))
    except (GoneError, ValueError) as error:
        return Answer(gone=str(error))
    except (kafka.KafkaException, OSError) as error:
        return Answer(failed=str(error))


def main() -> None:
    os.nice(_NICENESS)
    Image.MAX_IMAGE_PIXELS = PIXELS_MAX
    brokers = Brokers.from_environment(os.environ[SERVERS])
    reader = EventReader(brokers)
    for line in sys.stdin.buffer:
        answered = answer(reader, line)
        sys.stdout.buffer.write(msgspec.json.encode(answered) + b"\n")
        sys.stdout.buffer.flush()
        if answered.failed is not None:
            # Clients may have forgotten all brokers, see sightline.io.clients; new ones know them.
            reader.close()
            reader = EventReader(brokers)


if __name__ == "__main__":
    main()
