"""Deterministic ids: the same input gives the same id after a crash, a replay or in batch, so a copy can be told."""

from hashlib import blake2b

from sightline.events import Origin

_ID_BYTES = 16


def _digest(*parts: str | int) -> str:
    """32 hexadecimal digits; each part is preceded by its length, so ("ab", "c") and ("a", "bc") differ."""
    digest = blake2b(digest_size=_ID_BYTES)
    for part in parts:
        raw = str(part).encode()
        digest.update(b"%d:" % len(raw))
        digest.update(raw)
    return digest.hexdigest()


def match_id(pipeline: str, event_source: str, event_id: str, row: int) -> str:
    """`row` is the ordinal of the output row among those of one event, from 0."""
    return _digest("match", pipeline, event_source, event_id, row)


def record_match_id(pipeline: str, origin: Origin, row: int) -> str:
    """For an event that has no id of its own: where it lies stands for it."""
    return _digest("match", pipeline, origin.cluster_id, origin.topic_id, origin.partition, origin.offset, row)


def alert_id(rule: str, match: str) -> str:
    return _digest("alert", rule, match)
