"""One alert of the feed, in the forms in which it leaves: each is encoded once, for all subscribers."""

import asyncio
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
from google.protobuf.struct_pb2 import Struct

from sightline.alerts.records import Alert
from sightline.events import format_time_us
from sightline.proto import alerts_pb2

_json = msgspec.json.Encoder(enc_hook=str)


class Picture(NamedTuple):
    """A small JPEG, or why there is none and never will be."""

    jpeg: bytes | None
    gone: str | None


class Entry:
    """`picture` is None while nobody has asked for it."""

    def __init__(self, alert: Alert) -> None:
        self.alert = alert
        self.picture: asyncio.Future[Picture] | None = None

    @cached_property
    def proto(self) -> bytes:
        """A serialised sightline.v1.Alert."""
        return message(self.alert).SerializeToString()

    @cached_property
    def json(self) -> bytes:
        """For the page and /api/alerts."""
        alert = self.alert
        return _json.encode(
            {
                "id": alert.id,
                "rule": alert.rule,
                "severity": alert.severity,
                "summary": alert.summary,
                "pipeline": alert.pipeline,
                "event_id": alert.event_id,
                "event_source": alert.event_source,
                "event_time": format_time_us(alert.time_us),
                "alert_time": format_time_us(alert.alert_time_us),
                "ms": (alert.alert_time_us - alert.time_us) / 1e3,
                "stage_us": alert.stage_us,
                "match": alert.columns,
            }
        )


def message(alert: Alert) -> alerts_pb2.Alert:
    columns = Struct()
    columns.update({name: _plain(value) for name, value in alert.columns.items()})
    return alerts_pb2.Alert(
        id=alert.id,
        rule=alert.rule,
        severity=alert.severity,
        summary=alert.summary,
        match_id=alert.match_id,
        event_id=alert.event_id,
        event_source=alert.event_source,
        event_time={"seconds": alert.time_us // 1_000_000, "nanos": alert.time_us % 1_000_000 * 1000},
        alert_time={"seconds": alert.alert_time_us // 1_000_000, "nanos": alert.alert_time_us % 1_000_000 * 1000},
        pipeline=alert.pipeline,
        match=columns,
        origin=str(alert.origin or ""),
        stage_us=alert.stage_us,
    )


def _plain(value: Any) -> Any:
    """Struct knows no integers but as doubles, which it makes itself, and fails on those too large for one."""
    return str(value) if isinstance(value, int) and abs(value) > 2**53 else value
