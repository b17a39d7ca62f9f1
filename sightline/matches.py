"""A match: one row of a pipeline's result, as it travels from the joiner to alerting.

CloudEvents binary mode with a JSON value. No I/O here.
"""

from typing import Any

import msgspec

from sightline.events import Headers, Origin, Reason, Refusal, encode_headers, format_time_us, parse_time_us

MATCH_TYPE = "sightline.match.v1"

encode_columns = msgspec.json.Encoder(decimal_format="number").encode
"""A result row as JSON. Non-finite numbers become null."""

_columns = msgspec.json.Decoder(dict[str, Any])
_SAME = encode_headers({"type": MATCH_TYPE}, "application/json")


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
    headers = [
        *_SAME,
        ("ce_id", match.id.encode()),
        ("ce_source", b"/pipelines/" + match.pipeline.encode()),
        ("ce_time", format_time_us(match.time_us).encode()),
        ("ce_eventid", match.event_id.encode()),
        ("ce_eventsource", match.event_source.encode()),
        ("ce_matchtime", format_time_us(match.match_time_us).encode()),
        ("ce_stages", ",".join([f"{stage}={spent}" for stage, spent in match.stage_us.items()]).encode()),
    ]
    if match.origin:
        headers.append(("ce_origin", str(match.origin).encode()))
    if match.model is not None:
        scored = {"ce_model": match.model, "ce_modelversion": match.model_version, "ce_engine": match.engine}
        headers += [(name, text.encode()) for name, text in scored.items() if text is not None]
    if match.traceparent:
        headers.append(("traceparent", match.traceparent.encode()))
    return encode_columns(match.columns), headers


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
