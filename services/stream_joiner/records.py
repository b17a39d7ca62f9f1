"""Events between scan and answer."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from services.stream_joiner.matching import Answered
from sightline.events import Refusal
from sightline.io.records import Raw
from sightline.offsets import Slot


class Times(NamedTuple):
    """Of an event, µs since the epoch."""

    event_us: int
    polled_us: int
    submitted_us: int


class Record:
    """One event between scan and answer. `images` and `answers` are by model call."""

    __slots__ = (
        "answered",
        "answers",
        "done",
        "images",
        "joined",
        "open",
        "raw",
        "refusal",
        "row",
        "slot",
        "times",
        "top_us",
    )

    def __init__(self, slot: Slot[Any], row: Any, times: Times, top_us: int, joined: Sequence[Any]) -> None:
        self.slot, self.row, self.times, self.top_us, self.joined = slot, row, times, top_us, joined
        self.images: tuple[bytes | None, ...] = ()
        self.answers: list[Any] = []
        self.answered: Answered | None = None
        self.refusal: Refusal | None = None
        self.open = 0
        self.raw: Raw
        self.done: Callable[[Record], None]

    @property
    def image_bytes(self) -> int:
        return sum(len(each) for each in self.images if each is not None)


class Asked:
    """One image of a record at one model. `moved`: a featurizer fell silent with it in hand."""

    __slots__ = ("call", "image", "moved", "record")

    def __init__(self, record: Record, call: int, image: bytes) -> None:
        self.record, self.call, self.image, self.moved = record, call, image, False
