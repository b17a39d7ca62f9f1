"""What every format offers, and how a value that can't be a row is refused."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from sightline.events import Headers, Reason, Refusal
from sightline.query.runtime.columns import Columns
from sightline.query.schema import Column

SHOWN_CHARACTERS_MAX = 200

Refusals = list[tuple[int, Refusal]]
"""Index in the batch, in order, and why."""


class RecordBatch(Protocol):
    """What is used of `sightline.io.batches.Batch`."""

    @property
    def value_bytes_max(self) -> int: ...

    @property
    def timestamps_ms(self) -> Sequence[int]: ...

    def __len__(self) -> int: ...

    def values(self) -> list[bytes | None]: ...

    def lines(self) -> bytes | None: ...

    def record(self, index: int) -> "RecordLike": ...


class RecordLike(Protocol):
    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None: ...

    @property
    def headers(self) -> Headers | None: ...

    @property
    def timestamp_ms(self) -> int: ...


class RowReader(Protocol):
    """Rows of one source. Whatever the bytes are, a record gives a row or a refusal and never an exception."""

    @property
    def columns(self) -> Mapping[str, Column]:
        """All columns of the source, and how generated code reads each from a row."""
        ...

    def needs(self, columns: Collection[str]) -> "RowReader":
        """A reader that decodes these columns alone; the others of its rows must not be read."""
        ...

    def read(
        self, key: bytes | None, value: bytes | None, headers: Headers | None, timestamp_ms: int
    ) -> Any | Refusal: ...

    def read_many(self, batch: RecordBatch) -> tuple[list[Any], Refusals]:
        """The rows of the records that are good, in order, and the other records."""
        ...

    def read_columns(self, batch: RecordBatch) -> Columns | None:
        """The same rows, at less cost, where all are good and the format can. None: read rows."""
        ...


def read_rows(reader: RowReader, batch: RecordBatch) -> tuple[list[Any], dict[int, Refusal]]:
    """A row for each record, None where it is refused, and the refusals by index."""
    rows, found = reader.read_many(batch)
    if not found:
        return rows, {}
    refusals, good = dict(found), iter(rows)
    return [None if index in refusals else next(good) for index in range(len(batch))], refusals


def one_by_one(reader: RowReader, batch: RecordBatch) -> tuple[list[Any], Refusals]:
    """`read_many` by `read`: one bad record leaves the others alone."""
    rows: list[Any] = []
    refusals: Refusals = []
    for index in range(len(batch)):
        record = batch.record(index)
        row = reader.read(record.key, record.value, record.headers, record.timestamp_ms)
        if isinstance(row, Refusal):
            refusals.append((index, row))
        else:
            rows.append(row)
    return rows, refusals


def bad_size(value: bytes | None, bytes_max: int) -> Refusal:
    """Of a value that is not there, or larger than allowed."""
    if not value:
        return Refusal(Reason.EMPTY_VALUE, "the value is empty, a row was expected")
    return Refusal(Reason.EVENT_TOO_LARGE, f"{len(value)} bytes, allowed are {bytes_max}")


def shown(value: object) -> str:
    """A value for a person, cut to a length that fits in a header."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return repr(text if len(text) <= SHOWN_CHARACTERS_MAX else text[:SHOWN_CHARACTERS_MAX] + "…")
