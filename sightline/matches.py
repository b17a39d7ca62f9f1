"""A match: one row of a pipeline's result, as it travels from the joiner to alerting.

CloudEvents binary mode with a JSON value. No I/O here.
"""

from typing import Any

import msgspec

from sightline.events import Headers, Origin, Reason, Refusal, encode_headers, format_time_us, parse_time_us

MATCH_TYPE = "sightline.match.v1"

_json = msgspec.json.Encoder()
_columns = msgspec.json.Decoder(dict[str, Any])


class Match(msgspec.Struct):
    """Times are microseconds since the epoch; `stage_us` is microseconds spent by stage (ingest, join, featurize).

    A match of a window has no event: its id and the pipeline stand for the event's, and `origin` is None.
    """

    id: str
    pipeline: str
    time_us: int
    event_id: str
    event_source: str
    origin: Origin | None
    match_time_us: int
    columns: dict[str, Any]
    stage_us: dict[str, int]
    model: str | None = None
    model_version: str | None = None
    engine: str | None = None
    traceparent: str | None = None


def encode(match: Match) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Value and headers of the Kafka record. Non-finite numbers become null."""
    attributes = {
        "id": match.id,
        "source": f"/pipelines/{match.pipeline}",
        "type": MATCH_TYPE,
        "time": format_time_us(match.time_us),
        "eventid": match.event_id,
        "eventsource": match.event_source,
        "origin": str(match.origin) if match.origin else None,
        "matchtime": format_time_us(match.match_time_us),
        "model": match.model,
        "modelversion": match.model_version,
        "engine": match.engine,
        "stages": ",".join(f"{stage}={spent}" for stage, spent in match.stage_us.items()),
    }
    headers = encode_headers(attributes, "application/json")
    if match.traceparent:
        headers.append(("traceparent", match.traceparent.encode()))
    return _json.encode(match.columns), headers


def decode(value: bytes | None, headers: Headers | None) -> Match | Refusal:
    """One record of a matches topic, whoever wrote it."""
    try:
        text = {name.removeprefix("ce_"): (raw or b"").decode() for name, raw in headers or ()}
        if text["type"] != MATCH_TYPE:
            return Refusal(Reason.BAD_MATCH, f"ce_type is {text['type']!r}, {MATCH_TYPE} was expected")
        stages = (pair.split("=") for pair in text.get("stages", "").split(",") if pair)
        return Match(
            id=text["id"],
            pipeline=text["source"].removeprefix("/pipelines/"),
            time_us=parse_time_us(text["time"]),
            event_id=text["eventid"],
            event_source=text["eventsource"],
            origin=Origin.parse(text["origin"]) if "origin" in text else None,
            match_time_us=parse_time_us(text["matchtime"]),
            columns=_columns.decode(value or b""),
            stage_us={stage: int(spent) for stage, spent in stages},
            model=text.get("model"),
            model_version=text.get("modelversion"),
            engine=text.get("engine"),
            traceparent=text.get("traceparent"),
        )
    except KeyError as error:
        return Refusal(Reason.MISSING_HEADER, f"ce_{error.args[0]}")
    except (ValueError, msgspec.DecodeError) as error:
        return Refusal(Reason.BAD_MATCH, str(error))
