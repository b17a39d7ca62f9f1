"""The size that a PNG or WebP file claims in its first bytes, read before any decoder may allocate memory for it.

PNG: W3C PNG 3, IHDR comes first. WebP: RFC 9649, the canvas is in the first chunk, which is one of three.
"""

import struct
from typing import NamedTuple


class Size(NamedTuple):
    """Pixels; 0 where the bytes end before the size."""

    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height


UNKNOWN = Size(0, 0)


def png(data: bytes) -> Size:
    if len(data) < 24 or data[12:16] != b"IHDR":
        return UNKNOWN
    return Size(*struct.unpack_from(">II", data, 16))


def webp(data: bytes) -> Size:
    if len(data) < 30:
        return UNKNOWN
    chunk = data[12:16]
    if chunk == b"VP8X":
        return Size(1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little"))
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return Size(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Size(width & 0x3FFF, height & 0x3FFF)
    return UNKNOWN
