"""Keys as bytes for a store on disk: equal values of Python give equal bytes."""

import hashlib
import struct
from datetime import date
from decimal import Decimal
from typing import Any

KEY_BYTES_MAX = 200
"""Longer ones are hashed: LMDB takes 511 bytes, and a version's start or an index's key stands beside it."""

_START = struct.Struct(">Q")
_SIGN = 1 << 63


def key_bytes(value: Any) -> bytes:
    """Of a string, number, boolean, date, bytes, None, or a tuple of such."""
    if type(value) is str:
        encoded = b"s" + value.encode()
        return encoded if len(encoded) <= KEY_BYTES_MAX else _hashed(encoded)
    encoded = _encoded(value)
    return encoded if len(encoded) <= KEY_BYTES_MAX else _hashed(encoded)


def version_prefix(value: Any) -> bytes:
    """What the versions of one key have in front, and of no other: its length comes first."""
    encoded = key_bytes(value)
    return len(encoded).to_bytes(2, "big") + encoded


def start_bytes(time_us: int) -> bytes:
    """Eight bytes that sort as the times do."""
    return _START.pack(min(max(time_us + _SIGN, 0), 2 * _SIGN - 1))


def _hashed(encoded: bytes) -> bytes:
    return b"h" + hashlib.blake2b(encoded, digest_size=32).digest()


def _encoded(value: Any) -> bytes:
    if isinstance(value, str):
        return b"s" + value.encode()
    if isinstance(value, int):  # True equals 1 in Python, so they share their bytes
        return b"i" + str(int(value)).encode()
    if isinstance(value, float):
        return b"i" + str(int(value)).encode() if value.is_integer() else b"f" + struct.pack(">d", value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, bytes):
        return b"y" + value
    if isinstance(value, date):
        return b"d" + value.isoformat().encode()
    if value is None:
        return b"n"
    if isinstance(value, tuple):
        parts = [_encoded(each) for each in value]
        return b"t" + b"".join(len(each).to_bytes(4, "big") + each for each in parts)
    raise TypeError(f"a {type(value).__name__} can't be a table's key")


def _decimal(value: Decimal) -> bytes:
    if value == value.to_integral_value():
        return b"i" + str(int(value)).encode()
    as_float = float(value)
    return _encoded(as_float) if Decimal(as_float) == value else b"m" + str(value.normalize()).encode()
