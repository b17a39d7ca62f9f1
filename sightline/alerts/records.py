"""An alert as it travels through Kafka: CloudEvents binary mode with a JSON value.

ce_type=sightline.alert.v1  ce_source=/rules/<rule>  ce_id  ce_time (the event's)  ce_alerttime
ce_rule  ce_matchid  ce_eventid  ce_eventsource  ce_origin  traceparent

{"rule", "severity", "summary", "pipeline", "match": {column: value}, "stage_us": {stage: microseconds},
 "model", "model_version", "engine"}
"""

from typing import Any

import msgspec

from sightline.alerts.rules import Rule
from sightline.events import Headers, Origin, encode_headers, format_time_us, parse_time_us
from sightline.ids import alert_id
from sightline.matches import Match

ALERT_TYPE = "sightline.alert.v1"


class _Value(msgspec.Struct):
    rule: str
    severity: str
    summary: str
    pipeline: str
    match: dict[str, Any]
    stage_us: dict[str, int]
    model: str | None = None
    model_version: str | None = None
    engine: str | None = None


class Alert(msgspec.Struct):
    """Times are microseconds since the epoch. `stage_us`: those of the match, and publish and alert."""

    id: str
    rule: str
    severity: str
    summary: str
    pipeline: str
    match_id: str
    event_id: str
    event_source: str
    origin: Origin | None
    time_us: int
    alert_time_us: int
    columns: dict[str, Any]
    stage_us: dict[str, int]
    model: str | None = None
    model_version: str | None = None
    engine: str | None = None
    traceparent: str | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Value)


def make(match: Match, rule: Rule, polled_us: int, alert_time_us: int) -> Alert:
    """The alert of a rule for a match that was polled at `polled_us`. A stage of negative length counts as 0."""
    return Alert(
        id=alert_id(rule.name, match.id),
        rule=rule.name,
        severity=rule.severity,
        summary=rule.summary.fill(match.columns),
        pipeline=match.pipeline,
        match_id=match.id,
        event_id=match.event_id,
        event_source=match.event_source,
        origin=match.origin,
        time_us=match.time_us,
        alert_time_us=alert_time_us,
        columns=match.columns,
        stage_us={
            **match.stage_us,
            "publish": max(0, polled_us - match.match_time_us),
            "alert": max(0, alert_time_us - polled_us),
        },
        model=match.model,
        model_version=match.model_version,
        engine=match.engine,
        traceparent=match.traceparent,
    )


def encode(alert: Alert) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Value and headers of the Kafka record."""
    value = _Value(
        alert.rule,
        alert.severity,
        alert.summary,
        alert.pipeline,
        alert.columns,
        alert.stage_us,
        alert.model,
        alert.model_version,
        alert.engine,
    )
    headers = encode_headers(
        {
            "id": alert.id,
            "source": f"/rules/{alert.rule}",
            "type": ALERT_TYPE,
            "time": format_time_us(alert.time_us),
            "matchid": alert.match_id,
            "eventid": alert.event_id,
            "eventsource": alert.event_source,
            "origin": str(alert.origin) if alert.origin else None,
            "alerttime": format_time_us(alert.alert_time_us),
            "rule": alert.rule,
        },
        "application/json",
    )
    if alert.traceparent:
        headers.append(("traceparent", alert.traceparent.encode()))
    return _encoder.encode(value), headers


def decode(value: bytes | None, headers: Headers | None) -> Alert:
    """One record of the alerts topic. Raises ValueError if nobody of ours wrote it."""
    try:
        text = {name.removeprefix("ce_"): (raw or b"").decode() for name, raw in headers or ()}
        if text["type"] != ALERT_TYPE:
            raise ValueError(f"ce_type is {text['type']!r}, {ALERT_TYPE} was expected")
        body = _decoder.decode(value or b"")
        return Alert(
            id=text["id"],
            rule=text["rule"],
            severity=body.severity,
            summary=body.summary,
            pipeline=body.pipeline,
            match_id=text["matchid"],
            event_id=text["eventid"],
            event_source=text["eventsource"],
            origin=Origin.parse(text["origin"]) if "origin" in text else None,
            time_us=parse_time_us(text["time"]),
            alert_time_us=parse_time_us(text["alerttime"]),
            columns=body.match,
            stage_us=body.stage_us,
            model=body.model,
            model_version=body.model_version,
            engine=body.engine,
            traceparent=text.get("traceparent"),
        )
    except KeyError as error:
        raise ValueError(f"lacks the header ce_{error.args[0]}") from None
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
