"""What `sightline query --input` names."""

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sightline.batch.chunks import Input
from sightline.batch.images import ImagesInput
from sightline.batch.lines import LinesInput
from sightline.cli.kafka_options import brokers_if_given
from sightline.errors import ConfigError
from sightline.events import Limits
from sightline.formats.reader import RowReader
from sightline.formats.source import source_reader
from sightline.query.pipeline import PipelineFile

INFERRED_ROWS = 1_000


def open_input(file: PipelineFile, arguments: argparse.Namespace, parts: ExitStack) -> Any:
    """An `Input` that is closed with `parts`. Raises ConfigError for what is none."""
    path = Path(arguments.input)
    ((name, source),) = file.pipeline.sources.items()
    if path.is_dir():
        if source.format != "cloudevents":
            message = f"a directory of images needs the format cloudevents, this is {source.format}"
            raise file.error(message, f"sources.{name}.format")
        return ImagesInput(path, Limits(arguments.event_bytes_max))
    if path.is_file():
        if path.suffix == ".parquet":
            from sightline.batch.parquet import ParquetInput

            return ParquetInput(path)
        if source.format == "protobuf":
            raise ConfigError("JSON lines are no messages of protobuf; use Parquet or a topic", file=path)
        return LinesInput(path, source.format == "cloudevents")
    return _topic(file, arguments, parts)


def _topic(file: PipelineFile, arguments: argparse.Namespace, parts: ExitStack) -> Any:
    from sightline.io.topic_input import TopicInput
    from sightline.io.topic_range import find, parse

    wanted = parse(arguments.input)
    if wanted is None:
        raise ConfigError(
            f"{arguments.input!r} is no file or directory, nor a range of a topic such as clicks@[100,200)",
            key="--input",
        )
    brokers = brokers_if_given(arguments)
    if brokers is None:
        raise ConfigError("a topic needs --bootstrap-servers", key="--input")
    ((_, source),) = file.pipeline.sources.items()
    spans = find(brokers, wanted)
    topic = TopicInput(brokers, spans, arguments.future_s_max, are_images=source.format == "cloudevents")
    parts.callback(topic.close)
    return topic


def reader_for(file: PipelineFile, arguments: argparse.Namespace, source: Input) -> RowReader:
    """Columns that are not declared are inferred from the first rows. Raises ConfigError."""

    def inferred() -> dict[str, str]:
        if hasattr(source, "columns"):
            return dict(source.columns())
        from sightline.formats.inference import infer

        return infer(source.sample(INFERRED_ROWS))  # type: ignore[attr-defined]

    unbounded = source.future_us_max == float("inf")
    future_s_max = float("inf") if unbounded else arguments.future_s_max
    return source_reader(file, Limits(arguments.event_bytes_max, future_s_max), inferred)
