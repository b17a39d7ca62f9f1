"""Where the result goes: JSON lines or Parquet, whole or not at all."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import msgspec

from sightline.errors import ConfigError
from sightline.query.compiling.query import ResultRow
from sightline.query.types import Array, Struct, Type

STDOUT = "-"
ROW_GROUP_ROWS = 65_536

_BUILTIN = (bytes, date, Decimal)
"""What Arrow takes as it is."""


class Output(Protocol):
    def write(self, rows: Sequence[ResultRow]) -> None: ...

    def finish(self) -> None:
        """All is written: the result takes its name."""

    def abandon(self) -> None:
        """Nothing is left behind."""


def open_output(target: str, types: Mapping[str, Type]) -> Output:
    """By the name's ending. Raises ConfigError."""
    if target == STDOUT:
        return JsonLines(sys.stdout.buffer, lambda: None, lambda: None)
    path, partial = Path(target), _partial(target)
    try:
        if path.suffix == ".parquet":
            return ParquetFile(path, partial, types)
        if path.suffix == ".jsonl":
            file = partial.open("wb")
    except OSError as error:
        raise ConfigError(f"can't be written: {error.strerror}", file=path) from None
    if path.suffix != ".jsonl":
        raise ConfigError(f"{target!r} ends neither with .parquet nor with .jsonl, and is not -", key="--output")

    def finish() -> None:
        file.close()
        partial.replace(path)

    def abandon() -> None:
        file.close()
        partial.unlink(missing_ok=True)

    return JsonLines(file, finish, abandon)


def discard_partial(target: str) -> None:
    """Before the output is opened, make sure that this is called at the end: an interrupt may come while it opens."""
    if target.endswith((".parquet", ".jsonl")):
        with suppress(OSError):
            _partial(target).unlink(missing_ok=True)


def _partial(target: str) -> Path:
    """The file that is written, until all is."""
    path = Path(target)
    return path.with_name(path.name + ".partial")


class JsonLines:
    """Values as in a match's JSON."""

    def __init__(self, file: BinaryIO, finish: Callable[[], object], abandon: Callable[[], object]) -> None:
        self._file, self._finish, self._abandon = file, finish, abandon
        self._encode = msgspec.json.Encoder(decimal_format="number").encode_lines

    def write(self, rows: Sequence[Any]) -> None:
        if rows:
            self._file.write(self._encode(rows))

    def finish(self) -> None:
        self._file.flush()
        self._finish()

    def abandon(self) -> None:
        self._abandon()


class ParquetFile:
    """Columns as the query types them; a timestamp is timestamp[us, UTC]."""

    def __init__(self, path: Path, partial: Path, types: Mapping[str, Type]) -> None:
        import pyarrow as pa
        import pyarrow.parquet

        from sightline.formats.arrow import arrow_type

        self._path, self._partial, self._pa = path, partial, pa
        self._schema = pa.schema([(name, arrow_type(kind)) for name, kind in types.items()])
        # Generated code gives timestamps as text.
        self._given = {name: arrow_type(kind, pa.string()) for name, kind in types.items()}
        self._nested = {name for name, kind in types.items() if isinstance(kind, Array | Struct)}
        self._writer = pa.parquet.ParquetWriter(partial, self._schema)
        self._rows: list[ResultRow] = []

    def write(self, rows: Sequence[ResultRow]) -> None:
        self._rows += rows
        while len(self._rows) >= ROW_GROUP_ROWS:
            self._group(self._rows[:ROW_GROUP_ROWS])
            del self._rows[:ROW_GROUP_ROWS]

    def _group(self, rows: Sequence[ResultRow]) -> None:
        columns = [self._column(name, [each[name] for each in rows]) for name in self._schema.names]
        self._writer.write_table(self._pa.Table.from_arrays(columns, schema=self._schema))

    def _column(self, name: str, values: list[Any]) -> Any:
        if name in self._nested:
            values = msgspec.to_builtins(values, builtin_types=_BUILTIN)
        array = self._pa.array(values, self._given[name])
        wanted = self._schema.field(name).type
        return array if array.type == wanted else array.cast(wanted)

    def finish(self) -> None:
        if self._rows:
            self._group(self._rows)
        self._writer.close()
        self._partial.replace(self._path)

    def abandon(self) -> None:
        self._writer.close()
        self._partial.unlink(missing_ok=True)


class Letters:
    """A file of dead letters, there only if there are any; one of before is gone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None

    def __call__(self, letter: dict[str, Any]) -> None:
        if self._file is None:
            self._file = self.path.open("wb")
        self._file.write(msgspec.json.encode(letter) + b"\n")

    def close(self) -> None:
        if self._file is None:
            self.path.unlink(missing_ok=True)
        else:
            self._file.close()
