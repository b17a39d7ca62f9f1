"""An alert's record: there and back, and what others read in it."""

import json

import pytest

from sightline.alerts import records
from sightline.alerts.rules import Rule
from sightline.alerts.summary import Summary
from sightline.events import Origin
from sightline.ids import alert_id
from sightline.matches import Match

RULE = Rule("spotted", "find-bond", "critical", ("camera",), 0, Summary("{label} ({score:.2f})"))
MATCH = Match(
    id="m1",
    pipeline="find-bond",
    time_us=1_700_000_000_000_001,
    event_id="e1",
    event_source="cameras/1",
    origin=Origin("cluster", "topic-id", "events", 3, 42),
    match_time_us=1_700_000_000_004_001,
    columns={"camera": "c1", "label": "Ägyptische Katze", "score": 0.75, "lat": None},
    stage_us={"ingest": 1_000, "join": 500, "featurize": 2_500},
    model="m",
    model_version="3",
    engine="litert",
    traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01",
)


def test_stages_add_up_to_the_whole() -> None:
    alert = records.make(MATCH, RULE, MATCH.match_time_us + 700, MATCH.match_time_us + 800)
    assert alert.stage_us == {**MATCH.stage_us, "publish": 700, "alert": 100}
    assert sum(alert.stage_us.values()) == alert.alert_time_us - alert.time_us
    assert alert.id == alert_id("spotted", "m1")
    assert alert.summary == "Ägyptische Katze (0.75)"


def test_a_clock_ahead_of_ours_counts_as_nothing() -> None:
    alert = records.make(MATCH, RULE, MATCH.match_time_us - 50, MATCH.match_time_us - 60)
    assert (alert.stage_us["publish"], alert.stage_us["alert"]) == (0, 0)


def test_there_and_back() -> None:
    alert = records.make(MATCH, RULE, MATCH.match_time_us + 700, MATCH.match_time_us + 800)
    assert records.decode(*records.encode(alert)) == alert


def test_what_others_read() -> None:
    value, raw = records.encode(records.make(MATCH, RULE, MATCH.match_time_us + 700, MATCH.match_time_us + 800))
    headers = dict(raw)
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_type"] == b"sightline.alert.v1"
    assert headers["ce_source"] == b"/rules/spotted"
    assert headers["ce_time"] == b"2023-11-14T22:13:20.000001Z"
    assert headers["ce_matchid"] == b"m1"
    assert headers["ce_eventid"] == b"e1"
    assert headers["ce_origin"] == b"cluster/topic-id/events/3/42"
    assert headers["content-type"] == b"application/json"
    body = json.loads(value)
    assert body["match"] == MATCH.columns
    assert (body["rule"], body["severity"], body["pipeline"]) == ("spotted", "critical", "find-bond")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"ce_type": b"sightline.match.v1"}, "sightline.alert.v1 was expected"),
        ({"ce_type": None}, "lacks the header ce_type"),
        ({"ce_matchid": None}, "lacks the header ce_matchid"),
        ({"ce_time": b"yesterday"}, "is not an RFC 3339 time"),
        ({"ce_origin": b"a/b"}, "unpack"),
        ({"ce_id": b"\xff"}, "decode"),
        ({"value": b"{"}, "truncated"),
        ({"value": None}, "truncated"),
    ],
)
def test_what_is_not_an_alert(change: dict[str, bytes | None], says: str) -> None:
    value, raw = records.encode(records.make(MATCH, RULE, 0, 0))
    headers = {**dict(raw), **{name: text for name, text in change.items() if name != "value"}}
    with pytest.raises(ValueError, match=says):
        records.decode(change.get("value", value), [(name, text) for name, text in headers.items() if text is not None])
