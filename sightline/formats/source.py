"""The reader of a source's rows, by its format."""

from collections.abc import Callable

from sightline.events import Limits
from sightline.formats.cloudevents import CloudEventReader
from sightline.formats.json import JsonReader
from sightline.formats.protobuf import ProtobufReader, message_type
from sightline.formats.reader import RowReader
from sightline.query.pipeline import PipelineFile
from sightline.query.types import parse_type


def source_reader(file: PipelineFile, limits: Limits, inferred: Callable[[], dict[str, str]]) -> RowReader:
    """`inferred` gives the columns of JSON that declares none, and their types. Raises ConfigError."""
    ((name, source),) = file.pipeline.sources.items()
    at = f"sources.{name}"
    if source.format == "cloudevents":
        return CloudEventReader(source, limits)
    if source.protobuf is not None:
        try:
            descriptor = (file.path.parent / source.protobuf.descriptor).read_bytes()
            return ProtobufReader(message_type(descriptor, source.protobuf.message), limits)
        except (OSError, ValueError) as error:
            raise file.error(str(error), f"{at}.protobuf") from None
    columns = source.columns or inferred()
    try:
        return JsonReader({column: parse_type(kind) for column, kind in columns.items()}, limits)
    except ValueError as error:
        raise file.error(str(error), f"{at}.columns") from None
