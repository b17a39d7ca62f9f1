"""Batches of records as the engine sees them, whichever way they came."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from confluent_kafka import Message


class Raw(NamedTuple):
    """One record. `timestamp_ms` is -1 where the record has none."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    timestamp_ms: int
    offset: int

    @classmethod
    def of(cls, message: Message) -> "Raw":
        headers = list(message.headers() or ())
        return cls(message.key(), message.value(), headers, timestamp_ms(message), message.offset())


class Batch(Protocol):
    """Consecutive records of one partition, at least one; compaction and transactions leave gaps between offsets.

    `bytes` counts the values, `value_bytes_max` is the size of the largest one.
    """

    @property
    def topic(self) -> str: ...

    @property
    def partition(self) -> int: ...

    @property
    def offsets(self) -> Sequence[int]: ...

    @property
    def timestamps_ms(self) -> Sequence[int]: ...

    @property
    def timestamp_ms_min(self) -> int: ...

    def __len__(self) -> int: ...

    def values(self) -> list[bytes | None]: ...

    def lines(self) -> bytes | None:
        """All values with a newline between two, if each begins with `{` and ends with `}`; else None.

        JSON texts of that form can't run into one another: after `}` no JSON text goes on with `{`, and a newline
        inside a string is no JSON. So a decoder that finds as many objects as there are records found theirs.
        """
        ...

    def record(self, index: int) -> Raw:
        """Raises IndexError."""
        ...

    # Last, for what stands in a class is taken for a type by the names above it: `bytes` is a size here.
    @property
    def value_bytes_max(self) -> int: ...

    @property
    def bytes(self) -> int: ...


class RawBatch:
    """A batch of records that are Python objects already."""

    def __init__(self, topic: str, partition: int, records: Sequence[Raw]) -> None:
        self.topic, self.partition = topic, partition
        self._records = records
        self.offsets = [each.offset for each in records]
        self.timestamps_ms = [each.timestamp_ms for each in records]
        self.timestamp_ms_min = min(self.timestamps_ms, default=-1)
        sizes = [len(each.value or b"") for each in records]
        self.bytes, self.value_bytes_max = sum(sizes), max(sizes, default=0)

    def __len__(self) -> int:
        return len(self._records)

    def values(self) -> "list[bytes | None]":
        return [each.value for each in self._records]

    def lines(self) -> "bytes | None":
        return join_lines(self.values())

    def record(self, index: int) -> Raw:
        return self._records[index]


class MessageBatch:
    """A batch of confluent-kafka's messages."""

    def __init__(self, topic: str, partition: int, messages: list[Message]) -> None:
        self.topic, self.partition = topic, partition
        self._messages = messages
        sizes = [len(value or b"") for value in self.values()]
        self.bytes, self.value_bytes_max = sum(sizes), max(sizes, default=0)

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def offsets(self) -> Sequence[int]:
        return [each.offset() for each in self._messages]

    @property
    def timestamps_ms(self) -> Sequence[int]:
        return [timestamp_ms(each) for each in self._messages]

    @property
    def timestamp_ms_min(self) -> int:
        return min(self.timestamps_ms)

    def values(self) -> "list[bytes | None]":
        return [each.value() for each in self._messages]

    def lines(self) -> "bytes | None":
        return join_lines(self.values())

    def record(self, index: int) -> Raw:
        return Raw.of(self._messages[index])


def timestamp_ms(message: Message) -> int:
    kind, ms = message.timestamp()
    return int(ms) if kind else -1


def join_lines(values: Sequence[bytes | None]) -> bytes | None:
    """`Batch.lines` of these values."""
    for value in values:
        if not value or value[:1] != b"{" or value[-1:] != b"}" or len(value) < 2:
            return None
    return b"\n".join(values)  # type: ignore[arg-type]
