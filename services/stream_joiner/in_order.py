"""Acknowledgements of batches of records, in the order of the batches."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


class InOrder:
    """Calls back when all records of a batch are acknowledged, and of every batch before it."""

    def __init__(self) -> None:
        self._batches: deque[_Batch] = deque()

    def batch(self, records: int, then: Callable[[], object]) -> Callable[[], object]:
        """What to call for each record; of none, `then` may be called at once."""
        batch = _Batch(records, then)
        self._batches.append(batch)
        self._advance()

        def acknowledged() -> None:
            batch.left -= 1
            self._advance()

        return acknowledged

    def _advance(self) -> None:
        while self._batches and not self._batches[0].left:
            self._batches.popleft().then()


@dataclass
class _Batch:
    left: int
    then: Callable[[], object]
