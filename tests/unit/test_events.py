"""Events as other people's producers write them, and the ways they can be wrong."""

import pytest

from sightline.events import Event, Limits, Origin, Reason, Refusal, decode, format_time_us, parse_time_us

NOW_MS = 1_790_000_000_000
JPEG = b"\xff\xd8\xff\xe0 not looked at here"


def headers(**changes: str | None) -> list[tuple[str, bytes]]:
    base: dict[str, str | None] = {
        "ce_specversion": "1.0",
        "ce_id": "1",
        "ce_source": "/cameras/7",
        "ce_type": "sightline.image.v1",
        "ce_time": "2026-09-21T14:13:20.000123Z",
        "content-type": "image/jpeg",
    }
    return [(name, text.encode()) for name, text in (base | changes).items() if text is not None]


def test_a_binary_mode_event() -> None:
    event = decode(b"cam-7", JPEG, headers(ce_locationid="L1", ce_lens="wide", traceparent="00-ab-cd-01"), NOW_MS)
    assert event == Event(
        id="1",
        source="/cameras/7",
        type="sightline.image.v1",
        time_us=1_790_000_000_000_123,
        camera="cam-7",
        locationid="L1",
        subject=None,
        image=JPEG,
        extensions={"lens": "wide"},
        traceparent="00-ab-cd-01",
    )


def test_the_camera_attribute_goes_before_the_key() -> None:
    event = decode(b"key", JPEG, headers(ce_camera="attribute"), NOW_MS)
    assert isinstance(event, Event)
    assert event.camera == "attribute"


def test_without_a_time_the_record_timestamp_counts() -> None:
    event = decode(None, JPEG, headers(ce_time=None), NOW_MS)
    assert isinstance(event, Event)
    assert (event.time_us, event.time_missing) == (NOW_MS * 1000, True)


@pytest.mark.parametrize(
    ("changes", "value", "reason", "detail"),
    [
        ({"ce_id": None}, JPEG, Reason.MISSING_HEADER, "ce_id"),
        ({"ce_id": ""}, JPEG, Reason.MISSING_HEADER, "ce_id"),
        ({"ce_source": None}, JPEG, Reason.MISSING_HEADER, "ce_source"),
        ({"ce_specversion": None}, JPEG, Reason.MISSING_HEADER, "ce_specversion"),
        ({"content-type": None}, JPEG, Reason.CONTENT_TYPE, "''"),
        ({"content-type": "text/html"}, JPEG, Reason.CONTENT_TYPE, "text/html"),
        ({"ce_time": "yesterday"}, JPEG, Reason.BAD_TIME, "yesterday"),
        ({"ce_time": "2026-09-21T14:13:20"}, JPEG, Reason.BAD_TIME, "no time zone"),
        ({"ce_time": "2026-13-41T00:00:00Z"}, JPEG, Reason.BAD_TIME, "2026-13-41"),
        ({"ce_time": "2026-09-21T14:13:31Z"}, JPEG, Reason.FUTURE_TIME, "11.0 s ahead"),
        ({"ce_Camera": "x"}, JPEG, Reason.BAD_HEADER, "ce_Camera"),
        ({"ce_my-lens": "x"}, JPEG, Reason.BAD_HEADER, "ce_my-lens"),
        ({}, b"", Reason.EMPTY_VALUE, "empty"),
        ({}, None, Reason.EMPTY_VALUE, "empty"),
        ({}, b"x" * 101, Reason.EVENT_TOO_LARGE, "101 bytes"),
    ],
)
def test_a_refused_event_says_why(
    changes: dict[str, str | None], value: bytes | None, reason: Reason, detail: str
) -> None:
    refusal = decode(b"k", value, headers(**changes), NOW_MS, Limits(event_bytes_max=100))
    assert isinstance(refusal, Refusal)
    assert refusal.reason is reason
    assert detail in refusal.detail


def test_bytes_that_are_no_text_in_a_header() -> None:
    refusal = decode(b"k", JPEG, [*headers(), ("ce_lens", b"\xff\xfe")], NOW_MS)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.BAD_HEADER


@pytest.mark.parametrize(
    "text", ["2026-01-31T12:00:00.5Z", "2026-01-31T13:00:00.500000+01:00", "1969-12-31T23:59:59.999999Z"]
)
def test_times_survive_a_round_trip(text: str) -> None:
    assert parse_time_us(format_time_us(parse_time_us(text))) == parse_time_us(text)


def test_an_origin_survives_a_round_trip() -> None:
    origin = Origin("cluster", "Ab_-9", "events", 3, 41)
    assert Origin.parse(str(origin)) == origin
