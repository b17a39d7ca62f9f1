"""Rows on their way into a query, some thousands at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from sightline.events import Headers, Refusal
from sightline.formats.reader import RecordLike, RowReader
from sightline.formats.timed import Source


class Record(NamedTuple):
    """One record that came from no topic. `timestamp_ms` is the file's."""

    key: bytes | None
    value: bytes | None
    headers: Headers | None
    timestamp_ms: int


class Rows(NamedTuple):
    """Rows that are there, as a `timed.Source`; None where a refusal says why."""

    given: list[Any]
    refusals: dict[int, Refusal]

    def columns(self) -> None:
        return None

    def rows(self) -> tuple[list[Any], dict[int, Refusal]]:
        return self.given, self.refusals


class Chunk(NamedTuple):
    """Consecutive rows of one partition.

    `record(index)` is the row as it came, `where(index)` names it for a person. `bytes` is how much input it was.
    """

    source: Source
    timestamps_ms: Sequence[int]
    offsets: Sequence[int]
    record: Callable[[int], RecordLike]
    where: Callable[[int], str]
    bytes: int = 0

    @property
    def timestamp_ms_min(self) -> int:
        return min(self.timestamps_ms)


Partition = Iterable[Chunk]
"""In offset order. A file is one partition."""


class Input(Protocol):
    """`bytes` is its size where that is known before it is read; `future_us_max` how far ahead times may be."""

    bytes: int | None
    future_us_max: float

    def partitions(self, reader: RowReader, needed: frozenset[str]) -> Iterator[Partition]:
        """`needed` are the columns that the query reads."""
        ...
