"""The record that goes to the dead-letter topic instead of a bad one."""

from typing import NamedTuple

from sightline.events import Headers, Origin, Reason, Refusal

DETAIL_CHARS_MAX = 500


class DeadLetter(NamedTuple):
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


def dead_letter(
    key: bytes | None, value: bytes | None, headers: Headers | None, refusal: Refusal, origin: Origin, pipeline: str
) -> DeadLetter:
    """Key, value and headers as they came, and four of ours.

    A value above the size limit is left out: `sl_origin` says where it lies.
    """
    ours = {
        "sl_reason": refusal.reason.value,
        "sl_detail": refusal.detail[:DETAIL_CHARS_MAX],
        "sl_origin": str(origin),
        "sl_pipeline": pipeline,
    }
    if refusal.reason is Reason.EVENT_TOO_LARGE:
        value = None
    kept = [(name, raw) for name, raw in headers or () if name not in ours]
    return DeadLetter(key, value, [*kept, *((name, text.encode()) for name, text in ours.items())])
