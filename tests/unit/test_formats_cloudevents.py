"""CloudEvents in each mode, as the CloudEvents SDK and protobuf write them, and the ways they can be wrong."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from sightline.events import Event, Limits, Reason, Refusal
from sightline.formats.cloudevents import CloudEventReader, decode
from sightline.formats.structured import PREFIX
from sightline.io.records import Raw, RawBatch
from sightline.proto import cloudevents_pb2
from sightline.query.pipeline import Source

NOW_MS = 1_790_000_000_000
TIME = datetime(2026, 9, 21, 14, 13, 20, 123, UTC)
JPEG = b"\xff\xd8\xff\xe0 not looked at here"
JSON_TYPE, PROTOBUF_TYPE = PREFIX + "+json", PREFIX + "+protobuf"

EXPECTED = Event(
    id="1",
    source="/cameras/7",
    type="sightline.image.v1",
    time_us=NOW_MS * 1000 + 123,
    camera="cam-7",
    locationid="L1",
    subject="a",
    image=JPEG,
    extensions={"lens": "wide"},
    traceparent=None,
)


def sdk_event() -> CloudEvent:
    attributes = {
        "id": "1",
        "source": "/cameras/7",
        "type": "sightline.image.v1",
        "time": TIME,
        "subject": "a",
        "datacontenttype": "image/jpeg",
        "locationid": "L1",
        "lens": "wide",
    }
    return CloudEvent(attributes, JPEG)


def decoded(message: KafkaMessage) -> Event | Refusal:
    return decode(b"cam-7", message.value, [(name, bytes(raw)) for name, raw in message.headers.items()], NOW_MS)


def test_what_the_sdk_writes_in_binary_mode() -> None:
    assert decoded(to_binary_event(sdk_event())) == EXPECTED


def test_what_the_sdk_writes_in_structured_mode() -> None:
    assert decoded(to_structured_event(sdk_event())) == EXPECTED


def structured(content_type: str, value: bytes | None, limits: Limits = Limits()) -> Event | Refusal:  # noqa: B008
    return decode(b"cam-7", value, [("content-type", content_type.encode())], NOW_MS, limits)


def message() -> Any:
    event = cloudevents_pb2.CloudEvent(
        id="1", source="/cameras/7", spec_version="1.0", type="sightline.image.v1", binary_data=JPEG
    )
    event.attributes["time"].ce_timestamp.FromDatetime(TIME)
    event.attributes["subject"].ce_string = "a"
    event.attributes["datacontenttype"].ce_string = "image/jpeg"
    event.attributes["locationid"].ce_uri_ref = "L1"
    event.attributes["lens"].ce_string = "wide"
    return event


def test_protobuf() -> None:
    assert structured(PROTOBUF_TYPE, message().SerializeToString()) == EXPECTED


def as_json(**changes: Any) -> bytes:
    attributes = {
        "specversion": "1.0",
        "id": "1",
        "source": "/cameras/7",
        "type": "sightline.image.v1",
        "time": "2026-09-21T14:13:20.000123Z",
        "subject": "a",
        "datacontenttype": "image/jpeg",
        "locationid": "L1",
        "lens": "wide",
        "data_base64": base64.b64encode(JPEG).decode(),
    }
    return json.dumps({name: each for name, each in (attributes | changes).items() if each != "absent"}).encode()


def test_json() -> None:
    assert structured(JSON_TYPE + "; charset=utf-8", as_json(dataschema=None)) == EXPECTED


def test_other_types_of_attributes_become_text() -> None:
    event = structured(JSON_TYPE, as_json(night=True, floor=-3))
    assert isinstance(event, Event)
    assert event.extensions == {"lens": "wide", "night": "true", "floor": "-3"}
    made = message()
    made.attributes["night"].ce_boolean = True
    made.attributes["floor"].ce_integer = -3
    made.attributes["hash"].ce_bytes = b"hi"
    event = structured(PROTOBUF_TYPE, made.SerializeToString())
    assert isinstance(event, Event)
    assert event.extensions == {"lens": "wide", "night": "true", "floor": "-3", "hash": "aGk="}


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        (None, Reason.EMPTY_VALUE, ""),
        (b"", Reason.EMPTY_VALUE, ""),
        (b"[]", Reason.BAD_VALUE, "not a JSON object"),
        (b"{", Reason.BAD_VALUE, "not a JSON object"),
        (as_json(id="absent"), Reason.MISSING_HEADER, "id"),
        (as_json(specversion=None), Reason.MISSING_HEADER, "specversion"),
        (as_json(id={}), Reason.BAD_VALUE, "id: text"),
        (as_json(lens=1.5), Reason.BAD_VALUE, "lens: text"),
        (as_json(Lens="x"), Reason.BAD_HEADER, "'Lens'"),
        (as_json(time="yesterday"), Reason.BAD_TIME, "yesterday"),
        (as_json(time="2026-09-22T14:13:20Z"), Reason.FUTURE_TIME, "ahead"),
        (as_json(datacontenttype="text/html"), Reason.CONTENT_TYPE, "text/html"),
        (as_json(datacontenttype=7), Reason.BAD_VALUE, "datacontenttype"),
        (as_json(data_base64="%"), Reason.BAD_VALUE, "data_base64"),
        (as_json(data_base64=7), Reason.BAD_VALUE, "data_base64"),
        (as_json(data_base64="absent"), Reason.EMPTY_VALUE, "image"),
        (as_json(data_base64="absent", data="text"), Reason.BAD_VALUE, "data_base64: 'text'"),
        (as_json(data="text"), Reason.BAD_VALUE, "both"),
        (as_json(data_base64="A" * 4000), Reason.EVENT_TOO_LARGE, "allowed are 3000"),
    ],
)
def test_refusals_of_json(value: bytes | None, reason: Reason, detail: str) -> None:
    refusal = structured(JSON_TYPE, value, Limits(event_bytes_max=3000))
    assert isinstance(refusal, Refusal)
    assert refusal.reason == reason
    assert detail in refusal.detail


def test_refusals_of_protobuf() -> None:
    def refused(**fields: Any) -> Refusal:
        made = message()
        made.MergeFrom(cloudevents_pb2.CloudEvent(**fields))
        refusal = structured(PROTOBUF_TYPE, made.SerializeToString())
        assert isinstance(refusal, Refusal)
        return refusal

    value = cloudevents_pb2.CloudEvent.CloudEventAttributeValue
    assert refused(text_data="x").reason == Reason.BAD_VALUE
    assert refused(attributes={"none": value()}).detail == "none: the attribute has no value"
    assert refused(attributes={"Big": value(ce_string="x")}).reason == Reason.BAD_HEADER
    assert refused(attributes={"id": value(ce_string="x")}).reason == Reason.BAD_VALUE
    far = value()
    far.ce_timestamp.seconds = 2**62
    assert refused(attributes={"time": far}).reason == Reason.BAD_TIME
    broken = structured(PROTOBUF_TYPE, b"\xff")
    assert isinstance(broken, Refusal)
    assert broken.reason == Reason.BAD_VALUE


@pytest.mark.parametrize("content_type", [PREFIX + "-batch+json", PREFIX + "-batch", PREFIX + "+xml", PREFIX])
def test_other_modes_are_refused(content_type: str) -> None:
    refusal = structured(content_type, b"[]")
    assert isinstance(refusal, Refusal)
    assert refusal.reason == Reason.CONTENT_TYPE
    assert content_type in refusal.detail


def test_a_reader_tells_the_good_from_the_bad() -> None:
    reader = CloudEventReader(Source(topic="events", extensions={"lens": "string"}))
    made = to_binary_event(sdk_event())
    headers: list[tuple[str, bytes | None]] = [(name, bytes(raw)) for name, raw in made.headers.items()]
    batch = RawBatch("events", 0, [Raw(b"cam-7", JPEG, headers, NOW_MS, 0), Raw(None, b"", [], NOW_MS, 1)])
    rows, refusals = reader.needs({"id"}).read_many(batch)
    assert rows == [EXPECTED]
    assert [(index, each.reason) for index, each in refusals] == [(1, Reason.MISSING_HEADER)]
    assert eval(reader.columns["lens"].read.format(row="row"), {"row": rows[0]}) == "wide"


SCALAR = st.none() | st.text() | st.integers() | st.booleans() | st.floats()
OBJECTS = st.dictionaries(
    st.sampled_from([*json.loads(as_json()), "data", "x", "X"]), SCALAR | st.lists(SCALAR) | st.just({}), max_size=8
).map(lambda changes: as_json(**changes))
CONTENT_TYPES = st.sampled_from([JSON_TYPE, PROTOBUF_TYPE, PREFIX, "image/jpeg", ""]) | st.text()
HEADERS = st.lists(
    st.tuples(st.sampled_from(["content-type", "ce_id", "ce_time", "ce_", "traceparent", "é"]), st.none() | st.binary())
)


@given(CONTENT_TYPES, st.none() | st.binary() | OBJECTS, HEADERS)
def test_no_bytes_raise(content_type: str, value: bytes | None, headers: Any) -> None:
    found = decode(None, value, [("content-type", content_type.encode()), *headers], NOW_MS)
    assert isinstance(found, Event | Refusal)
    assert isinstance(decode(None, value, headers, NOW_MS), Event | Refusal)
