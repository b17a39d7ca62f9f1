"""A file of JSON lines: a row each, or a CloudEvent in structured mode each."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from sightline.batch.chunks import Chunk, Partition, Record
from sightline.formats.reader import RowReader
from sightline.formats.timed import Records

CHUNK_BYTES = 4 << 20
"""About so much is read at once."""

CHUNK_BYTES_SCORED = 1 << 20
"""Where each line may be an image."""

EVENT_HEADERS = [("content-type", b"application/cloudevents+json")]


class LinesInput:
    """`future_us_max` is infinite: a file's timestamp says nothing about its rows' times."""

    future_us_max = float("inf")

    def __init__(self, path: Path, are_events: bool) -> None:
        self._path, self._are_events = path, are_events
        stat = path.stat()
        self.bytes: int | None = stat.st_size
        self._timestamp_ms = stat.st_mtime_ns // 1_000_000

    def sample(self, lines_max: int) -> list[bytes | None]:
        """The first lines, by which columns are inferred."""
        with self._path.open("rb") as file:
            return list(islice(file, lines_max))

    def partitions(self, reader: RowReader, needed: frozenset[str]) -> Iterator[Partition]:
        yield self._chunks(reader)

    def _chunks(self, reader: RowReader) -> Iterator[Chunk]:
        number = 0
        with self._path.open("rb") as file:
            while lines := file.readlines(CHUNK_BYTES_SCORED if self._are_events else CHUNK_BYTES):
                values = [each.strip() for each in lines]
                numbers: Sequence[int] = range(number + 1, number + len(lines) + 1)
                if not all(values):
                    numbers = [at for at, value in zip(numbers, values, strict=True) if value]
                    values = [each for each in values if each]
                number += len(lines)
                if values:
                    batch = _Lines(values, self._timestamp_ms, EVENT_HEADERS if self._are_events else None)
                    rows, where, size = Records(reader, batch), partial(self._where, numbers), sum(map(len, lines))
                    yield Chunk(rows, batch.timestamps_ms, numbers, batch.record, where, size)

    def _where(self, numbers: Sequence[int], index: int) -> str:
        return f"{self._path}: row {numbers[index]}"


class _Lines:
    """As a batch of records."""

    def __init__(self, values: list[bytes], timestamp_ms: int, headers: list[tuple[str, bytes]] | None) -> None:
        self._values, self._headers = values, headers
        self.timestamps_ms = [timestamp_ms] * len(values)
        self.value_bytes_max = max(map(len, values))

    def __len__(self) -> int:
        return len(self._values)

    def values(self) -> list[bytes | None]:
        return list(self._values)

    def lines(self) -> bytes | None:
        """See `sightline.io.records.Batch.lines`."""
        if all(each[:1] == b"{" and each[-1:] == b"}" and len(each) > 1 for each in self._values):
            return b"\n".join(self._values)
        return None

    def record(self, index: int) -> Record:
        return Record(None, self._values[index], self._headers, self.timestamps_ms[index])
