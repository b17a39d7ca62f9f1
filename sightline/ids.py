"""Deterministic ids: the same input gives the same id after a crash, a replay or in batch, so a copy can be told."""

import datetime
import decimal
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from sightline.events import Origin

_ID_BYTES = 16
_DECIMAL = decimal.Context(prec=40)


def _digest(*parts: str | int) -> str:
    """32 hexadecimal digits; each part is preceded by its length, so ("ab", "c") and ("a", "bc") differ."""
    return _hash(parts).hexdigest()


def _hash(parts: Sequence[str | int]) -> blake2b:
    texts = [str(part) for part in parts]
    return blake2b("".join([f"{len(text.encode())}:{text}" for text in texts]).encode(), digest_size=_ID_BYTES)


@lru_cache(64)
def _begun(*parts: str) -> blake2b:
    """The hash of what many ids begin with."""
    return _hash(parts)


def match_id(pipeline: str, event_source: str, event_id: str, row: int) -> str:
    """`row` is the ordinal of the output row among those of one event, from 0."""
    return _digest("match", pipeline, event_source, event_id, row)


def record_match_id(pipeline: str, origin: Origin, row: int) -> str:
    """For an event that has no id of its own: where it lies stands for it."""
    return record_match_ids(pipeline, origin)(origin.offset, row)


def record_match_ids(pipeline: str, origin: Origin) -> Callable[[int, int], str]:
    """`record_match_id` by offset and row, for records of one partition; `origin` is that of any of them."""
    copy = _begun("match", pipeline, origin.cluster_id, origin.topic_id).copy
    partition = origin.partition

    def identity(offset: int, row: int) -> str:
        digest = copy()
        digest.update(f"{partition}/{offset}/{row}".encode())
        return digest.hexdigest()

    return identity


def window_id(pipeline: str, start_us: int, key: Sequence[Any], revision: str = "") -> str:
    """`key` is a group key of SQL values; those that SQL groups together give one id, 1 and '1' two."""
    return _digest("window", pipeline, start_us, revision, *map(_canonical, key))


def alert_id(rule: str, match: str) -> str:
    return _digest("alert", rule, match)


def _canonical(value: Any) -> str:
    """The value's text after a letter for its type."""
    if value is None:
        return "n"
    if isinstance(value, str):
        return "s" + value
    if isinstance(value, bool):
        return "b1" if value else "b0"
    if isinstance(value, int):
        return f"i{value}"
    if isinstance(value, float):
        return f"f{value + 0.0!r}"
    if isinstance(value, decimal.Decimal):
        return f"d{_DECIMAL.normalize(_DECIMAL.add(value, 0)):f}"
    if isinstance(value, datetime.date):
        return "t" + value.isoformat()
    if isinstance(value, bytes):
        return "x" + value.hex()
    raise TypeError(f"a {type(value).__name__} is no part of a group key")
