"""Who processes what the polling thread brings."""

from collections.abc import Mapping
from typing import Protocol

from confluent_kafka import KafkaError, TopicPartition

from sightline.io.records import Batch


class Restored(Protocol):
    """The state of a partition as it was written down."""

    @property
    def position(self) -> int | None:
        """The offset it goes on at; None: where the group's committed offset says."""
        ...


Place = tuple[str, int]
"""Topic and partition."""

States = Mapping[Place, Restored]


class Reader(Protocol):
    """Who processes the records; called in its owner."""

    resting: frozenset[Place]
    """Partitions of which nothing should come for now. Read in the polling thread, at any time."""

    def assigned(self, partitions: list[TopicPartition], states: States) -> None:
        """Each with the offset to start at, and the metadata of its last commit."""

    def lost(self, partitions: list[TopicPartition]) -> None: ...

    def received(self, batches: list[Batch]) -> None: ...

    def ended(self, topic: str, partition: int, offset: int) -> None:
        """There is nothing to read below `offset`, the partition's end, that was not received: the last offsets of one
        that is written in transactions are the transactions' own."""

    def tick(self, now_s: float) -> None:
        """Time has passed: commit, emit, try again."""

    def settle(self, partitions: list[TopicPartition]) -> bool:
        """One step towards having nothing open in these partitions. True once there is nothing."""
        ...

    def released(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """These are given up; returns the offsets to commit for them."""
        ...

    def skipped(self, records: int) -> None: ...

    def committed(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None: ...

    @property
    def busy(self) -> bool:
        """Something is pressing: the next tick should come soon."""
        ...
