"""A pipeline file: where events and tables come from, the query, and where its rows go."""

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from sightline.config import Document
from sightline.errors import ConfigError, QueryError
from sightline.query.types import TIMESTAMP, Type, parse_type

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]

FILE_SUFFIXES = (".csv", ".jsonl", ".parquet")


class Protobuf(msgspec.Struct, forbid_unknown_fields=True):
    """A message type: `descriptor` is a file that `protoc --descriptor_set_out --include_imports` made."""

    descriptor: str
    message: str


class Source(msgspec.Struct, forbid_unknown_fields=True):
    """A stream of events.

    `columns` are those of JSON values, name to SQL type; without them they are inferred from the first records.
    `extensions` are the user's own CloudEvents attributes and the SQL types of their columns.
    `event_time` is SQL over the columns; by default ce_time, or the record's timestamp where the format has none.
    `key` names the column that is the record key, by which the topic is partitioned.
    A row more than `watermark` behind the newest event time of its partition may be late; a partition that is silent
    for `idle` does not hold windows back.
    """

    topic: str
    format: Literal["cloudevents", "json", "protobuf"] = "cloudevents"
    columns: dict[str, str] | None = None
    protobuf: Protobuf | None = None
    event_time: str | None = None
    key: str | None = None
    watermark: str = "0s"
    idle: str = "5s"
    start: Literal["earliest", "latest"] = "earliest"
    extensions: dict[str, Literal["string"]] = {}


class Table(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A compacted topic of JSON rows, or a file (CSV, JSON lines, Parquet) that is read again when it changes.

    `columns` gives each its SQL type as text; without, they are inferred from the rows that are there at start. With
    `valid_from` a key has versions, and an event is joined with the one of its time.
    """

    key: str
    topic: str | None = None
    file: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    on_no_match: Literal["drop", "dead-letter"] = "drop"
    columns: dict[str, str] | None = None


class Windows(msgspec.Struct, forbid_unknown_fields=True):
    """When a window's rows are emitted, and what becomes of rows that come too late for it.

    `append`: once, when the watermark has passed the window's end and `allowed_lateness`; `update`: as it grows.
    Late rows go to `late_topic`, or to the dead-letter topic with the reason `late`.
    """

    emit: Literal["append", "update"] = "append"
    allowed_lateness: str = "0s"
    late_topic: str | None = None


class Sink(msgspec.Struct, forbid_unknown_fields=True):
    """Where result rows go. `key` names the output columns that make the record key.

    `cloudevents` rows have ids by which a copy is told, times and origins, in headers; `json` is the row alone, for
    readers that want nothing else. Alert rules need CloudEvents.
    """

    topic: str
    key: Annotated[list[str], msgspec.Meta(min_length=1)]
    format: Literal["cloudevents", "json"] = "cloudevents"


class Pipeline(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file, checked for form; the query is checked by `plan.plan`.

    `allow_engine_change`: whether answers of a model may come of another engine or version than the first, by default
    at least once only.
    """

    version: Literal[1]
    name: Name
    sources: Annotated[dict[str, Source], msgspec.Meta(min_length=1)]
    query: str
    sink: Sink
    tables: dict[str, Table] = {}
    windows: Windows = msgspec.field(default_factory=Windows)
    delivery: Literal["at-least-once", "exactly-once"] = "at-least-once"
    allow_engine_change: bool | None = None

    @property
    def engine_may_change(self) -> bool:
        if self.allow_engine_change is None:
            return self.delivery == "at-least-once"
        return self.allow_engine_change


class PipelineFile:
    """A pipeline and the file it came from, for errors that point."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._document = Document(path)
        self.pipeline = self._document.convert(Pipeline)
        self._check()

    def _check(self) -> None:
        pipeline = self.pipeline
        if len(pipeline.sources) > 1:
            raise self.error("a pipeline reads one source for now", "sources")
        for name, source in pipeline.sources.items():
            self._check_source(name, source)
        self._duration(pipeline.windows.allowed_lateness, "windows.allowed_lateness")
        for name in pipeline.tables:
            if name in pipeline.sources:
                raise self.error("is the name of a source too", f"tables.{name}")
        for name, table in pipeline.tables.items():
            self._check_table(table, f"tables.{name}")

    def _check_table(self, table: Table, at: str) -> None:
        if (table.topic is None) == (table.file is None):
            raise self.error("either `topic` or `file` is needed, not both", at)
        if table.file is not None:
            if Path(table.file).suffix not in FILE_SUFFIXES:
                raise self.error(f"{table.file!r} does not end with {', '.join(FILE_SUFFIXES)}", f"{at}.file")
            table.file = str(self.path.parent / table.file)
        if table.valid_to is not None and table.valid_from is None:
            raise self.error("`valid_to` needs `valid_from`", f"{at}.valid_to")
        if table.columns is not None:
            self._check_columns(table, table.columns, at)

    def _check_columns(self, table: Table, columns: dict[str, str], at: str) -> None:
        kinds: dict[str, Type] = {}
        for column, text in columns.items():
            try:
                kinds[column] = parse_type(text)
            except ValueError as error:
                raise self.error(str(error), f"{at}.columns.{column}") from None
        named = {"key": table.key, "valid_from": table.valid_from, "valid_to": table.valid_to}
        for key, used in named.items():
            if used is None:
                continue
            if used not in kinds:
                raise self.error(f"{used!r} is not among the table's columns", f"{at}.{key}")
            if key == "key" and kinds[used].nested:
                raise self.error(f"{used!r} is {kinds[used]}, and a key is one value", f"{at}.{key}")
            if key != "key" and kinds[used] != TIMESTAMP:
                raise self.error(f"{used!r} must be a timestamp, not {kinds[used]}", f"{at}.{key}")

    def _check_source(self, name: str, source: Source) -> None:
        path = f"sources.{name}"
        self._duration(source.watermark, f"{path}.watermark")
        self._duration(source.idle, f"{path}.idle")
        if source.columns is not None and source.format != "json":
            raise self.error(f"columns are declared for format json only, this is {source.format}", f"{path}.columns")
        if (source.protobuf is not None) != (source.format == "protobuf"):
            raise self.error("format protobuf needs a protobuf block, and no other format has one", f"{path}.format")
        if source.extensions and source.format != "cloudevents":
            raise self.error(f"extensions are CloudEvents attributes, this is {source.format}", f"{path}.extensions")

    def _duration(self, text: str, path: str) -> None:
        try:
            parse_duration_s(text)
        except ValueError as error:
            raise self.error(str(error), path) from None

    def error(self, message: str, path: str) -> ConfigError:
        """An error at a key of the file, such as `sink.key`."""
        return self._document.error(message, "$." + path)

    def query_error(self, message: str, offset: int) -> QueryError:
        """An error at a character offset of the query, as line and column of the file."""
        return self._sql_error(self.pipeline.query, ("query",), message, offset)

    def event_time_error(self, source: str, message: str, offset: int) -> QueryError:
        """An error in a source's `event_time`."""
        text = self.pipeline.sources[source].event_time or ""
        return self._sql_error(text, ("sources", source, "event_time"), message, offset)

    def _sql_error(self, text: str, keys: tuple[str, ...], message: str, offset: int) -> QueryError:
        before = text[:offset]
        line, column = before.count("\n"), offset - (before.rfind("\n") + 1)
        start_line, indent = self._document.text_start(*keys)
        block = self._document.is_block(*keys)
        return QueryError(
            message,
            file=self.path,
            key=".".join(keys),
            line=start_line + line + 1,
            column=column + (indent if block or not line else 0) + 1,
        )


def load_all(path: Path) -> list[PipelineFile]:
    """One pipeline file, or each *.yaml of a directory. Raises ConfigError, also for two of one name."""
    paths = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not paths:
        raise ConfigError("holds no *.yaml file", file=path)
    files: dict[str, PipelineFile] = {}
    for each in map(PipelineFile, paths):
        other = files.setdefault(each.pipeline.name, each)
        if other is not each:
            raise each.error(f"{each.pipeline.name!r} is also the name of {other.path}", "name")
    return list(files.values())


_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNIT_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_duration_s(text: str) -> float:
    """Seconds of a text such as `500ms`, `30s`, `5m`. Raises ValueError."""
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a duration such as 500ms, 30s, 5m, 2h or 1d")
    return float(match[1]) * _UNIT_S[match[2]]
