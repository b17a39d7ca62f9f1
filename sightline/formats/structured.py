"""CloudEvents in structured mode: attributes and data together in the record's value.

JSON (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md) has the image in
`data_base64`; protobuf (protobuf-format.md beside it) in `binary_data`. Attributes come out as the text that they
would be as headers in binary mode.
"""

import base64
from typing import Any, NamedTuple

import msgspec
from google.protobuf.message import DecodeError

from sightline.events import NAMES, Reason, Refusal, format_time_us, is_attribute_name
from sightline.formats.json import BAD_JSON
from sightline.formats.reader import shown
from sightline.proto.cloudevents_pb2 import CloudEvent

PREFIX = "application/cloudevents"

_YEAR_1_S, _YEAR_10000_S = -62_135_596_800, 253_402_300_800


class Structured(NamedTuple):
    attributes: dict[str, str]
    content_type: str
    data: bytes | None


def parse(content_type: str, value: bytes) -> Structured | Refusal:
    """`content_type` is without parameters and begins with `application/cloudevents`."""
    try:
        if content_type == PREFIX + "+json":
            return _json(value)
        if content_type == PREFIX + "+protobuf":
            return _protobuf(value)
    except _BadError as error:
        return Refusal(error.reason, str(error))
    allowed = f"of the structured ones, {PREFIX}+json and {PREFIX}+protobuf are read"
    return Refusal(Reason.CONTENT_TYPE, f"content-type is {content_type!r}; {allowed}")


class _BadError(Exception):
    def __init__(self, detail: str, reason: Reason = Reason.BAD_VALUE) -> None:
        super().__init__(detail)
        self.reason = reason


_decoder = msgspec.json.Decoder(dict[str, Any])


def _json(value: bytes) -> Structured:
    try:
        fields = _decoder.decode(value)
    except BAD_JSON as error:
        raise _BadError(f"the event is not a JSON object: {error}: {shown(value)}") from None
    data, encoded = fields.pop("data", None), fields.pop("data_base64", None)
    if data is not None and encoded is not None:
        raise _BadError("the event has both data and data_base64")
    content_type = fields.pop("datacontenttype", None) or ""
    if not isinstance(content_type, str):
        raise _BadError(f"datacontenttype: text was expected: {shown(content_type)}")
    if data is not None:
        raise _BadError(f"data: an image is expected in data_base64: {shown(data)}")
    attributes = {_name(name): _text(name, each) for name, each in fields.items() if each is not None}
    return Structured(attributes, content_type, None if encoded is None else _image(encoded))


def _image(encoded: Any) -> bytes:
    if not isinstance(encoded, str):
        raise _BadError(f"data_base64: text was expected: {shown(encoded)}")
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise _BadError(f"data_base64: {error}: {shown(encoded)}") from None


def _name(name: str) -> str:
    if not is_attribute_name(name):
        raise _BadError(f"{shown(name)}: {NAMES}", Reason.BAD_HEADER)
    return name


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    raise _BadError(f"{name}: text, a whole number or a boolean was expected: {shown(value)}")


def _protobuf(value: bytes) -> Structured:
    try:
        event = CloudEvent.FromString(value)
    except DecodeError as error:
        raise _BadError(f"the event is not an io.cloudevents.v1.CloudEvent: {error}") from None
    attributes = {"id": event.id, "source": event.source, "specversion": event.spec_version, "type": event.type}
    for name, each in event.attributes.items():
        if _name(name) in attributes:
            raise _BadError(f"{name}: is an attribute and a field too")
        attributes[name] = _attribute(name, each)
    content_type = attributes.pop("datacontenttype", "")
    kind = event.WhichOneof("data")
    if kind not in ("binary_data", None):
        raise _BadError(f"{kind}: an image is expected in binary_data")
    return Structured(attributes, content_type, event.binary_data if kind else None)


def _attribute(name: str, value: CloudEvent.CloudEventAttributeValue) -> str:
    kind = value.WhichOneof("attr")
    if kind is None:
        raise _BadError(f"{name}: the attribute has no value")
    if kind == "ce_timestamp":
        seconds, nanos = value.ce_timestamp.seconds, value.ce_timestamp.nanos
        if not (_YEAR_1_S <= seconds < _YEAR_10000_S and 0 <= nanos < 1_000_000_000):
            raise _BadError(f"{name}: {seconds} s and {nanos} ns are no timestamp", Reason.BAD_TIME)
        return format_time_us(seconds * 1_000_000 + nanos // 1000)
    if kind == "ce_bytes":
        return base64.b64encode(value.ce_bytes).decode()
    return _text(name, getattr(value, kind))
