"""What runs next on a model: the batcher's decisions, without threads, I/O or a clock of their own.

A model runs one batch at a time. Work that finds it idle runs at once, alone; work that finds it busy queues, and
everything that has queued up (largest priority first, then first come) is the next batch, up to `batch_rows_max`.
Work of different groups never shares a batch: whose turn it is decides the group, the rest of that group fills it up.
Nothing ever waits for a batch to fill. A piece of work that does not fit into what is left of a batch is split, and
goes on as the head of the next. Beyond `queue_rows_max` new work is refused: a queue that grows without end answers
nobody in time.
"""

import heapq
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

W = TypeVar("W")


class Admission(StrEnum):
    """What became of work that was offered."""

    ACCEPTED = "accepted"
    QUEUE_FULL = "queue_full"
    """There is no room now; there may be in a moment."""
    TOO_MANY_ROWS = "too_many_rows"
    """More than the whole queue holds: never fits."""


class Part(NamedTuple, Generic[W]):
    """Rows [start, stop) of one piece of work, in a batch."""

    work: W
    start: int
    stop: int


class Taken(NamedTuple, Generic[W]):
    """The next batch, empty if nothing waits, and the work whose deadline passed before any or the rest of it ran."""

    parts: list[Part[W]]
    expired: list[W]

    @property
    def rows(self) -> int:
        return sum(part.stop - part.start for part in self.parts)


@dataclass(order=True, slots=True)
class _Waiting(Generic[W]):
    order: tuple[int, int]  # largest priority first, then first come
    work: W = field(compare=False)
    rows: int = field(compare=False)
    expires_s: float | None = field(compare=False)
    taken: int = field(default=0, compare=False)


class Batcher(Generic[W]):
    """The queue of one model. `now_s` and `expires_s` are readings of one monotonic clock, in seconds."""

    def __init__(self, *, batch_rows_max: int, queue_rows_max: int) -> None:
        self._batch_rows_max, self._queue_rows_max = batch_rows_max, queue_rows_max
        self._heaps: dict[Hashable, list[_Waiting[W]]] = {}
        """By group; none is empty."""
        self._offered = 0
        self.rows = 0
        """Rows that wait."""

    def offer(
        self, work: W, rows: int, *, priority: int = 0, expires_s: float | None = None, group: Hashable = None
    ) -> Admission:
        """Queue `rows` (at least 1) rows of `work`, or say why not."""
        if rows > self._queue_rows_max:
            return Admission.TOO_MANY_ROWS
        if self.rows + rows > self._queue_rows_max:
            return Admission.QUEUE_FULL
        self._offered += 1
        heap = self._heaps.setdefault(group, [])
        heapq.heappush(heap, _Waiting((-priority, self._offered), work, rows, expires_s))
        self.rows += rows
        return Admission.ACCEPTED

    def take(self, now_s: float) -> Taken[W]:
        """What to run now that the model is idle. Work taken is no longer waiting, nor is what has expired."""
        parts: list[Part[W]] = []
        expired: list[W] = []
        room = self._batch_rows_max
        group: Hashable = None
        while room and (parts or self._heaps):
            group = group if parts else self._next_group()
            if group not in self._heaps:
                break
            head = self._heaps[group][0]
            if head.expires_s is not None and head.expires_s <= now_s:
                self._pop(group)
                self.rows -= head.rows - head.taken
                expired.append(head.work)
                continue
            stop = min(head.rows, head.taken + room)
            parts.append(Part(head.work, head.taken, stop))
            room -= stop - head.taken
            self.rows -= stop - head.taken
            head.taken = stop
            if stop == head.rows:
                self._pop(group)
        return Taken(parts, expired)

    def drop(self, unwanted: Callable[[W], bool]) -> int:
        """Forget waiting work that nobody wants any more. Returns how many rows it had left."""
        before, self.rows = self.rows, 0
        for group, heap in list(self._heaps.items()):
            kept = [waiting for waiting in heap if not unwanted(waiting.work)]
            self.rows += sum(waiting.rows - waiting.taken for waiting in kept)
            heapq.heapify(kept)
            self._heaps[group] = kept
            if not kept:
                del self._heaps[group]
        return before - self.rows

    def _next_group(self) -> Hashable:
        return min(self._heaps, key=lambda group: self._heaps[group][0].order)

    def _pop(self, group: Hashable) -> None:
        heapq.heappop(self._heaps[group])
        if not self._heaps[group]:
            del self._heaps[group]
