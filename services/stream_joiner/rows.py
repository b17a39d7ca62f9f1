"""The reader of a source's rows, by its format."""

import logging
import time

from confluent_kafka import Consumer, TopicPartition

from sightline.events import Limits
from sightline.formats.cloudevents import CloudEventReader
from sightline.formats.inference import INFER_RECORDS_MAX, infer
from sightline.formats.json import JsonReader
from sightline.formats.protobuf import ProtobufReader, message_type
from sightline.formats.reader import RowReader
from sightline.io.kafka import reader_config
from sightline.query.pipeline import PipelineFile
from sightline.query.types import parse_type

log = logging.getLogger(__name__)

POLL_S = 0.2


def reader_of(file: PipelineFile, limits: Limits, bootstrap_servers: str, partitions: int) -> RowReader:
    """Blocks while the columns of JSON are inferred from its first records. Raises ConfigError."""
    ((name, source),) = file.pipeline.sources.items()
    at = f"sources.{name}"
    if source.format == "cloudevents":
        return CloudEventReader(source, limits)
    if source.protobuf is not None:
        try:
            descriptor = (file.path.parent / source.protobuf.descriptor).read_bytes()
            made = ProtobufReader(message_type(descriptor, source.protobuf.message), limits)
        except (OSError, ValueError) as error:
            raise file.error(str(error), f"{at}.protobuf") from None
        if made.left_out:
            log.info("fields that are no columns", extra={"fields": made.left_out})
        return made
    columns = source.columns or _inferred(source.topic, bootstrap_servers, partitions)
    try:
        return JsonReader({column: parse_type(kind) for column, kind in columns.items()}, limits)
    except ValueError as error:
        raise file.error(str(error), f"{at}.columns") from None


def _inferred(topic: str, bootstrap_servers: str, partitions: int) -> dict[str, str]:
    """Waits for a first record, then looks at what is there of the first ones."""
    consumer = Consumer(reader_config(bootstrap_servers))
    consumer.assign([TopicPartition(topic, each, 0) for each in range(partitions)])
    values: list[bytes | None] = []
    started_s = time.monotonic()
    while len(values) < INFER_RECORDS_MAX:
        fresh = [each.value() for each in consumer.consume(INFER_RECORDS_MAX, POLL_S) if each.error() is None]
        if not fresh and values:
            break
        values += fresh
    consumer.close()
    columns = infer(values)
    log.info("columns inferred", extra={"columns": columns, "seconds": round(time.monotonic() - started_s, 3)})
    return columns
