"""A match: one row of a pipeline's result, as it travels from the joiner to alerting.

CloudEvents binary mode with a JSON value. No I/O here.
"""

from collections.abc import Mapping
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


class Envelope:
    """The headers of matches that one pipeline made at one moment, of one model's answer if any."""

    def __init__(
        self,
        pipeline: str,
        match_time_us: int,
        model: str | None = None,
        model_version: str | None = None,
        engine: str | None = None,
    ) -> None:
        attributes = {
            "source": f"/pipelines/{pipeline}",
            "matchtime": format_time_us(match_time_us),
            "model": model,
            "modelversion": model_version,
            "engine": engine,
        }
        same = [("ce_" + name, text.encode()) for name, text in attributes.items() if text is not None]
        self._same = [*_SAME, *same]

    def headers(
        self,
        match: str,
        time_us: int,
        event_id: str,
        event_source: bytes,
        stages: str,
        origin: str | None,
        traceparent: str | None,
    ) -> list[tuple[str, bytes]]:
        """`match` is its id, `stages` as `stages_text` gives them."""
        headers = [
            *self._same,
            ("ce_id", match.encode()),
            ("ce_time", format_time_us(time_us).encode()),
            ("ce_eventid", event_id.encode()),
            ("ce_eventsource", event_source),
            ("ce_stages", stages.encode()),
        ]
        if origin is not None:
            headers.append(("ce_origin", origin.encode()))
        if traceparent:
            headers.append(("traceparent", traceparent.encode()))
        return headers


def stages_text(stage_us: Mapping[str, int]) -> str:
    return ",".join([f"{stage}={spent}" for stage, spent in stage_us.items()])


def encode(match: Match) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Value and headers of the Kafka record. Non-finite numbers become null."""
    envelope = Envelope(match.pipeline, match.match_time_us, match.model, match.model_version, match.engine)
    return encode_columns(match.columns), envelope.headers(
        match.id,
        match.time_us,
        match.event_id,
        match.event_source.encode(),
        stages_text(match.stage_us),
        str(match.origin) if match.origin else None,
        match.traceparent,
    )


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
