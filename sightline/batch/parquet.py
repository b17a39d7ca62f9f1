"""A Parquet file: a row each, or an event each with a column for each attribute and one for the image."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet

from sightline.batch.chunks import Chunk, Partition, Record, Rows
from sightline.errors import ConfigError
from sightline.events import EVENT_TYPE, Event, Reason, Refusal
from sightline.formats import arrow
from sightline.formats.cloudevents import CloudEventReader
from sightline.formats.reader import RowReader
from sightline.query.runtime.rows import row_class
from sightline.query.types import Type

CHUNK_ROWS = 10_000
CHUNK_IMAGES = 64
"""Rows with images in memory at once."""


class ParquetInput:
    """Raises ConfigError if the file can't be read."""

    future_us_max = float("inf")

    def __init__(self, path: Path) -> None:
        self._path, stat = path, path.stat()
        self._timestamp_ms = stat.st_mtime_ns // 1_000_000
        self.bytes: int | None = None
        try:
            self._schema = pa.parquet.read_schema(path)
        except pa.ArrowException as error:
            raise ConfigError(f"can't be read: {error}", file=path) from None

    def columns(self) -> dict[str, str]:
        """Those whose types SQL has."""
        found = {each.name: arrow.sql_type(each.type) for each in self._schema}
        return {name: str(kind) for name, kind in found.items() if kind is not None}

    def partitions(self, reader: RowReader, needed: frozenset[str]) -> Iterator[Partition]:
        are_events = isinstance(reader, CloudEventReader)
        types = {name: each.type for name, each in reader.columns.items()}
        # An event's time is needed to know that it is one.
        wanted = {name: kind for name, kind in types.items() if are_events or name in needed}
        there = {name: kind for name, kind in wanted.items() if name in self._schema.names}
        if are_events and (missing := {"id", "image"} - there.keys()):
            raise ConfigError(f"has no column {min(missing)!r}, which an event needs", file=self._path)
        yield self._chunks(_Events(there) if are_events else _Rows(types, there))

    def _chunks(self, maker: "_Rows | _Events") -> Iterator[Chunk]:
        before, rows_max = 0, CHUNK_IMAGES if isinstance(maker, _Events) else CHUNK_ROWS
        try:
            with pa.parquet.ParquetFile(self._path) as file:
                for batch in file.iter_batches(rows_max, columns=list(maker.types)):
                    yield self._chunk(batch, maker, before)
                    before += batch.num_rows
        except (OSError, pa.ArrowInvalid) as error:
            raise ConfigError(f"can't be read: {error}", file=self._path) from None

    def _chunk(self, batch: Any, maker: "_Rows | _Events", before: int) -> Chunk:
        refusals: dict[int, Refusal] = {}
        try:
            rows = maker.rows(batch)
        except pa.ArrowException:
            rows = [self._row(batch.slice(index, 1), maker) for index in range(batch.num_rows)]
        for index, row in enumerate(rows):
            if isinstance(row, Refusal):
                refusals[index], rows[index] = row, None
        numbers = range(before, before + batch.num_rows)
        record = partial(self._record, batch)
        times = [self._timestamp_ms] * len(rows)
        return Chunk(Rows(rows, refusals), times, numbers, record, partial(self._where, before), batch.nbytes)

    def _row(self, batch: Any, maker: "_Rows | _Events") -> Any:
        try:
            return maker.rows(batch)[0]
        except pa.ArrowException as error:
            return Refusal(Reason.BAD_VALUE, str(error))

    def _where(self, before: int, index: int) -> str:
        return f"{self._path}: row {before + index + 1}"

    def _record(self, batch: Any, index: int) -> Record:
        names = [name for name, each in zip(batch.schema.names, batch.schema.types, strict=True) if each != pa.binary()]
        (row,) = batch.select(names).slice(index, 1).to_pylist()
        return Record(None, msgspec.json.encode(row, enc_hook=str), None, self._timestamp_ms)


class _Rows:
    """Structs with the fields c0, c1, … of the source's columns, as they are numbered there."""

    def __init__(self, all_types: Mapping[str, Type], types: Mapping[str, Type]) -> None:
        self.types = types
        self._names = [name for name in all_types if name in types]
        # Those that the file lacks are NULL.
        self._row = row_class("Row", dict(all_types))
        self._places = {name: f"c{index}" for index, name in enumerate(all_types)}

    def rows(self, batch: Any) -> list[Any]:
        if not self._names:
            return [self._row() for _ in range(batch.num_rows)]
        columns = [arrow.values(batch.column(name), self.types[name]) for name in self._names]
        fields = [self._places[name] for name in self._names]
        make = self._row
        return [make(**dict(zip(fields, each, strict=True))) for each in zip(*columns, strict=True)]


class _Events:
    def __init__(self, types: Mapping[str, Type]) -> None:
        self.types = types

    def rows(self, batch: Any) -> list[Any]:
        columns = [arrow.values(batch.column(name), kind) for name, kind in self.types.items()]
        return [self._event(dict(zip(self.types, each, strict=True))) for each in zip(*columns, strict=True)]

    def _event(self, row: dict[str, Any]) -> Event | Refusal:
        known = {name: row.pop(name, None) for name in ("id", "time", "image", "source", "type")}
        for name in ("id", "time", "image"):
            if known[name] is None:
                return Refusal(Reason.MISSING_HEADER, f"{name} is null or no column")
        return Event(
            id=known["id"],
            source=known["source"] or "/",
            type=known["type"] or EVENT_TYPE,
            time_us=known["time"],
            camera=row.pop("camera", None),
            locationid=row.pop("locationid", None),
            subject=row.pop("subject", None),
            image=known["image"],
            extensions={name: value for name, value in row.items() if value is not None},
        )
