"""What is committed with the offset of a merge: 20 bytes a source partition, for Kafka bounds it.

    <version>;<position>;<closed µs>;<base64 of 15 bytes for each source partition from 0 on>

The 15 bytes are `included` (7) and watermark and idleness (8), big-endian; all 0xff: nothing was heard of it yet.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sightline.query.windows.spec import NEVER_US

VERSION = 2
ENTRY_BYTES = 15
INCLUDED_BYTES = 7
NOT_HEARD = b"\xff" * ENTRY_BYTES
NEVER = -(2**62)
"""Stands for NEVER_US, which is of one bit more."""


@dataclass(slots=True)
class Heard:
    """The newest that a source partition said."""

    included: int = -1
    watermark_us: int = NEVER_US
    idle: bool = False


class Metadata(NamedTuple):
    """`position`: the offset below which windows are rebuilt; `closed_us`: the watermark they are closed by."""

    position: int
    closed_us: int
    sources: Mapping[int, Heard | None]


def encode(metadata: Metadata) -> str:
    count = max(metadata.sources, default=-1) + 1
    packed = b"".join(_pack(metadata.sources.get(number)) for number in range(count))
    return f"{VERSION};{metadata.position};{metadata.closed_us};{base64.b64encode(packed).decode()}"


def decode(text: str) -> Metadata:
    """Raises ValueError for what was written by somebody else, or another version."""
    try:
        version, position, closed_us, sources = text.split(";")
        packed = base64.b64decode(sources, validate=True)
        if int(version) != VERSION or len(packed) % ENTRY_BYTES:
            raise ValueError(f"version {version}, {VERSION} is known")
        entries = [packed[at : at + ENTRY_BYTES] for at in range(0, len(packed), ENTRY_BYTES)]
        return Metadata(int(position), int(closed_us), {n: _unpack(each) for n, each in enumerate(entries)})
    except ValueError as error:
        raise ValueError(f"no metadata of a window's state: {error}") from None


def _pack(heard: Heard | None) -> bytes:
    if heard is None:
        return NOT_HEARD
    watermark_us = NEVER if heard.watermark_us == NEVER_US else heard.watermark_us
    included = (heard.included + 1).to_bytes(INCLUDED_BYTES)
    return included + (watermark_us << 1 | heard.idle).to_bytes(ENTRY_BYTES - INCLUDED_BYTES, signed=True)


def _unpack(entry: bytes) -> Heard | None:
    if entry == NOT_HEARD:
        return None
    included, rest = entry[:INCLUDED_BYTES], int.from_bytes(entry[INCLUDED_BYTES:], signed=True)
    watermark_us = NEVER_US if rest >> 1 == NEVER else rest >> 1
    return Heard(int.from_bytes(included) - 1, watermark_us, bool(rest & 1))
