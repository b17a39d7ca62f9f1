"""Tables in files: CSV with a header, JSON lines, Parquet. Read in batches, each value cast to its column's SQL type.

Times without a zone are UTC.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from sightline.errors import ConfigError
from sightline.formats import arrow
from sightline.formats.inference import infer
from sightline.query import types
from sightline.query.pipeline import Table
from sightline.query.tables import Row, RowType
from sightline.query.types import Type, parse_type

BATCH_ROWS = 1_000
"""Made into Python's values in one step, in which no other thread of the process goes on: under a millisecond."""
INFERRED_ROWS = 10_000
"""JSON lines whose columns are looked at, where the table declares none."""


def file_columns(path: Path, table: Table) -> dict[str, str]:
    """The table's columns with their SQL types: as declared, or as the file has them. Raises ConfigError."""
    if table.columns is not None:
        return table.columns
    try:
        columns = _found_columns(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ConfigError(f"can't be read: {error}", file=path) from None
    for name in (table.key, table.valid_from, table.valid_to):
        if name is not None and name not in columns:
            raise ConfigError(f"has no column {name!r} (known: {', '.join(columns)})", file=path)
    if parse_type(columns[table.key]).nested:
        raise ConfigError(f"{table.key!r} is {columns[table.key]}, and a key is one value", file=path)
    return columns | {name: "timestamp" for name in (table.valid_from, table.valid_to) if name}


def read_rows(path: Path, kind: RowType) -> Iterator[Row]:
    """Rows in the file's order. Raises ConfigError naming row (from 1, a header not counted) and column."""
    try:
        yield from _json_rows(path, kind) if path.suffix == ".jsonl" else _arrow_rows(path, kind)
    except (OSError, pa.ArrowInvalid) as error:
        raise ConfigError(f"can't be read: {error}", file=path) from None


def _found_columns(path: Path) -> dict[str, str]:
    if path.suffix == ".jsonl":
        with path.open("rb") as lines:
            return infer(lines, INFERRED_ROWS)
    if path.suffix == ".csv":
        with pa.csv.open_csv(path) as reader:
            schema = reader.schema
    else:
        schema = pa.parquet.read_schema(path)
    return {each.name: str(kind) for each in schema if (kind := _sql(each.type)) is not None}


def _sql(kind: Any) -> Type | None:
    """None for what a table's column can't be. A column without any value is text."""
    return types.STRING if pa.types.is_null(kind) else arrow.sql_type(kind)


def _json_rows(path: Path, kind: RowType) -> Iterator[Row]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    yield kind.decode(line)
                except ValueError as error:
                    raise ConfigError(f"row {number}: {error}", file=path, line=number) from None


def _arrow_rows(path: Path, kind: RowType) -> Iterator[Row]:
    before = 0
    for batch in _csv_batches(path) if path.suffix == ".csv" else _parquet_batches(path, kind):
        for start in range(0, batch.num_rows, BATCH_ROWS):
            yield from _batch_rows(path, kind, batch.slice(start, BATCH_ROWS), before + start)
        before += batch.num_rows


def _csv_batches(path: Path) -> Iterator[pa.RecordBatch]:
    with path.open("rb") as file:
        names = pa.csv.open_csv(file).schema.names
    convert = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )
    with pa.csv.open_csv(path, convert_options=convert) as reader:
        yield from reader


def _parquet_batches(path: Path, kind: RowType) -> Iterator[pa.RecordBatch]:
    with pa.parquet.ParquetFile(path) as file:
        there = [each for each in kind.columns if each in file.schema_arrow.names]
        yield from file.iter_batches(BATCH_ROWS, columns=there)


def _batch_rows(path: Path, kind: RowType, batch: pa.RecordBatch, before: int) -> Iterator[Row]:
    values = []
    for index, (name, sql) in enumerate(zip(kind.columns, kind.kinds, strict=True)):
        if name not in batch.schema.names:
            if index in kind.required:
                raise ConfigError(f"has no column {name!r} (known: {', '.join(batch.schema.names)})", file=path)
            values.append([None] * batch.num_rows)
            continue
        column = batch.column(name)
        if index in kind.required and column.null_count:
            row = before + 1 + pc.index(pc.is_null(column), True).as_py()
            raise ConfigError(f"row {row}, column {name!r}: null is not allowed here", file=path)
        try:
            values.append(arrow.values(column, sql))
        except pa.ArrowException:
            raise ConfigError(_fault(column, sql, name, before), file=path) from None
    for each in zip(*values, strict=True):
        yield kind.row(*each)


def _fault(column: Any, sql: Type, name: str, before: int) -> str:
    for index in range(len(column)):
        try:
            arrow.values(column.slice(index, 1), sql)
        except pa.ArrowException:
            return f"row {before + index + 1}, column {name!r}: {column[index].as_py()!r} is not {sql}"
    return f"column {name!r}: the values from row {before + 1} on are not alike"
