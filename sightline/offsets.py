"""Which offset of a partition may be committed while its records finish out of order.

Most records are done as soon as they have been looked at: filtered, or folded into a window. The others are open until
they are finished: matched or refused. Their outputs are released in offset order, and a record is done when all of
them are acknowledged. The offset to commit is the lowest that is not done, so a restart repeats what was not done and
skips nothing.

One `PartitionLog` lives from one assignment of its partition to the revocation. It is the assignment's epoch: answers
that come after it was closed find it closed and are dropped.
"""

from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

Output = TypeVar("Output")


class Slot(Generic[Output]):
    """One record that is open, or `records` that are done together. `outputs` is None until it is finished."""

    __slots__ = ("log", "offset", "outputs", "pending", "records")

    def __init__(self, log: "PartitionLog[Output]", offset: int, records: int = 1, pending: int = 0) -> None:
        self.log, self.offset, self.records, self.pending = log, offset, records, pending
        self.outputs: Sequence[Output] | None = None

    def finish(self, outputs: Sequence[Output]) -> list["Slot[Output]"]:
        """Outputs are known. Returns the slots that are released by this, in offset order."""
        return self.log._finish(self, outputs)

    def acknowledge(self) -> None:
        """One output of a released slot is safe."""
        self.pending -= 1
        if not self.pending:
            self.log._advance()

    def acknowledge_all(self) -> None:
        """All outputs of a released slot are safe."""
        self.pending = 0
        self.log._advance()


class PartitionLog(Generic[Output]):
    """The open and unacknowledged records of one partition, in one assignment."""

    def __init__(self, topic: str, partition: int, offset: int) -> None:
        """`offset` is the first one that will be read."""
        self.topic, self.partition = topic, partition
        self.closed = False
        self.position = offset
        self.committed = offset
        self._unfinished: deque[Slot[Output]] = deque()
        self._unacknowledged: deque[Slot[Output]] = deque()
        self._records = 0

    def open(self, offset: int) -> Slot[Output]:
        """A record that is not done yet; offsets never fall."""
        self.passed(offset + 1)
        slot = Slot(self, offset)
        self._unfinished.append(slot)
        self._records += 1
        return slot

    def release(self, offset: int, records: int, outputs: int) -> Slot[Output]:
        """Records of which `offset` is the first's, finished with so many outputs. Nothing before them is open.

        `passed` is still to be told.
        """
        slot = Slot(self, offset, records, outputs)
        self._unacknowledged.append(slot)
        self._records += records
        return slot

    def passed(self, offset: int) -> None:
        """Each record below `offset` has been looked at: it is done, or it is open."""
        self.position = max(self.position, offset)

    @property
    def released_until(self) -> int:
        """The outputs of each record below this offset have been released."""
        return self._unfinished[0].offset if self._unfinished else self.position

    @property
    def done_until(self) -> int:
        """Each record below this offset is done."""
        return self._unacknowledged[0].offset if self._unacknowledged else self.released_until

    def __len__(self) -> int:
        """Records that are not done."""
        return self._records

    def close(self) -> None:
        """The partition is no longer ours."""
        self.closed = True
        self._unfinished.clear()
        self._unacknowledged.clear()
        self._records = 0

    def _finish(self, slot: Slot[Output], outputs: Sequence[Output]) -> list[Slot[Output]]:
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
            self._records -= self._unacknowledged.popleft().records
