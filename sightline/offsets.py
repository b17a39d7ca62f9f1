"""Which offset of a partition may be committed while its records finish out of order.

A record is open until it is finished: matched, filtered or refused. Its outputs are released in offset order,
and it is done when all of them are acknowledged. The committed offset is the lowest that is not done, so
a restart repeats what was not done and skips nothing.

One `PartitionLog` lives from one assignment of its partition to the revocation. It is the assignment's epoch: answers
that come after it was closed find it closed and are dropped.
"""

from collections import deque
from typing import Generic, TypeVar

Output = TypeVar("Output")


class Slot(Generic[Output]):
    """One record. `outputs` is None while it is open."""

    __slots__ = ("log", "offset", "outputs", "pending")

    def __init__(self, log: "PartitionLog[Output]", offset: int) -> None:
        self.log, self.offset = log, offset
        self.outputs: list[Output] | None = None
        self.pending = 0

    def finish(self, outputs: list[Output]) -> list["Slot[Output]"]:
        """Outputs are known. Returns the slots that are released by this, in offset order."""
        return self.log._finish(self, outputs)

    def acknowledge(self) -> None:
        """One output of a released slot is safe."""
        self.pending -= 1
        self.log._advance()


class PartitionLog(Generic[Output]):
    """The open and unacknowledged records of one partition, in one assignment."""

    def __init__(self, topic: str, partition: int, offset: int) -> None:
        """`offset` is the first one that will be read."""
        self.topic, self.partition = topic, partition
        self.closed = False
        self.done_until = offset
        self.committed = offset
        self._unfinished: deque[Slot[Output]] = deque()
        self._unacknowledged: deque[Slot[Output]] = deque()

    def open(self, offset: int) -> Slot[Output]:
        slot = Slot(self, offset)
        self._unfinished.append(slot)
        return slot

    def __len__(self) -> int:
        """Records that are not done."""
        return len(self._unfinished) + len(self._unacknowledged)

    def close(self) -> None:
        """The partition is no longer ours."""
        self.closed = True
        self._unfinished.clear()
        self._unacknowledged.clear()

    def _finish(self, slot: Slot[Output], outputs: list[Output]) -> list[Slot[Output]]:
        if self.closed:
            return []
        slot.outputs = outputs
        released = []
        while self._unfinished and (head := self._unfinished[0]).outputs is not None:
            self._unfinished.popleft()
            head.pending = len(head.outputs)
            self._unacknowledged.append(head)
            released.append(head)
        self._advance()
        return released

    def _advance(self) -> None:
        while self._unacknowledged and not self._unacknowledged[0].pending:
            self.done_until = self._unacknowledged.popleft().offset + 1
