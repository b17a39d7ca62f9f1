"""Digests, and bytes as text."""

import base64
import hashlib
import re
import zlib

from sightline.query.errors import EvalError, shown

_CHARSETS = {
    "US-ASCII": "ascii", "ISO-8859-1": "latin-1", "UTF-8": "utf-8", "UTF-16BE": "utf-16-be", "UTF-16LE": "utf-16-le",
}  # fmt: skip
_MASK = 2**64 - 1
_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def sha2(data: bytes, bits: int) -> str | None:
    name = {0: "sha256", 224: "sha224", 256: "sha256", 384: "sha384", 512: "sha512"}.get(bits)
    return hashlib.new(name, data).hexdigest() if name else None


def crc32(data: bytes) -> int:
    return zlib.crc32(data)


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]", re.ASCII)


def unbase64(text: str) -> bytes:
    """What is not of the alphabet is passed over, as in MIME."""
    bare = _NOT_BASE64.sub("", text.partition("=")[0])
    if len(bare) % 4 == 1:
        raise EvalError(f"[CONVERSION_INVALID_INPUT] {shown(text)} is not base 64")
    return base64.b64decode(bare + "=" * (-len(bare) % 4))


def hex_whole(value: int) -> str:
    return f"{value & _MASK:X}"


def hex_bytes(value: bytes) -> str:
    return value.hex().upper()


def unhex(text: str) -> bytes | None:
    try:
        if not text.isascii() or any(each.isspace() for each in text):
            raise ValueError
        return bytes.fromhex("0" * (len(text) % 2) + text)
    except ValueError:
        return None


def _charset(name: str) -> str:
    if name.upper() not in _CHARSETS:
        raise EvalError(f"[INVALID_PARAMETER_VALUE.CHARSET] {shown(name)} (known: {', '.join(_CHARSETS)})")
    return _CHARSETS[name.upper()]


def encode(text: str, charset: str) -> bytes:
    try:
        return text.encode(_charset(charset))
    except UnicodeEncodeError:
        raise EvalError(f"[MALFORMED_CHARACTER_CODING] {shown(text)} in {charset}") from None


def decode(data: bytes, charset: str) -> str:
    try:
        return data.decode(_charset(charset))
    except UnicodeDecodeError:
        raise EvalError(f"[MALFORMED_CHARACTER_CODING] {shown(data)} in {charset}") from None


def _rotated(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _MASK


def _finished(value: int) -> int:
    value = ((value ^ (value >> 33)) * _P2) & _MASK
    value = ((value ^ (value >> 29)) * _P3) & _MASK
    value ^= value >> 32
    return value - 2**64 if value >> 63 else value


def hash_long(value: int | None, seed: int) -> int:
    if value is None:
        return seed
    state = ((seed & _MASK) + _P5 + 8) & _MASK
    state ^= (_rotated(((value & _MASK) * _P2) & _MASK, 31) * _P1) & _MASK
    return _finished((_rotated(state, 27) * _P1 + _P4) & _MASK)


def hash_int(value: int | None, seed: int) -> int:
    if value is None:
        return seed
    state = ((seed & _MASK) + _P5 + 4) & _MASK
    state ^= ((value & 0xFFFFFFFF) * _P1) & _MASK
    return _finished((_rotated(state, 23) * _P2 + _P3) & _MASK)


def hash_text(value: str | None, seed: int) -> int:
    if value is None:
        return seed
    data, seed = value.encode(), seed & _MASK
    at, length = 0, len(data)
    if length >= 32:
        lanes = [(seed + _P1 + _P2) & _MASK, (seed + _P2) & _MASK, seed, (seed - _P1) & _MASK]
        while at + 32 <= length:
            for lane in range(4):
                word = int.from_bytes(data[at : at + 8], "little")
                lanes[lane] = (_rotated((lanes[lane] + word * _P2) & _MASK, 31) * _P1) & _MASK
                at += 8
        state = sum(_rotated(each, bits) for each, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
        for each in lanes:
            state ^= (_rotated((each * _P2) & _MASK, 31) * _P1) & _MASK
            state = (state * _P1 + _P4) & _MASK
    else:
        state = (seed + _P5) & _MASK
    state = (state + length) & _MASK
    while at + 8 <= length:
        word = int.from_bytes(data[at : at + 8], "little")
        state ^= (_rotated((word * _P2) & _MASK, 31) * _P1) & _MASK
        state = (_rotated(state, 27) * _P1 + _P4) & _MASK
        at += 8
    if at + 4 <= length:
        state ^= (int.from_bytes(data[at : at + 4], "little") * _P1) & _MASK
        state = (_rotated(state, 23) * _P2 + _P3) & _MASK
        at += 4
    for byte in data[at:]:
        state ^= (byte * _P5) & _MASK
        state = (_rotated(state, 11) * _P1) & _MASK
    return _finished(state)
