"""The reader of a source's rows, by its format."""

import logging
import time

from confluent_kafka import TopicPartition

from sightline.events import Limits
from sightline.formats.inference import INFER_RECORDS_MAX, infer
from sightline.formats.protobuf import ProtobufReader
from sightline.formats.reader import RowReader
from sightline.formats.source import source_reader
from sightline.io import clients
from sightline.io.kafka import Brokers, reader_config
from sightline.query.pipeline import PipelineFile

log = logging.getLogger(__name__)

POLL_S = 0.2


def reader_of(file: PipelineFile, limits: Limits, brokers: Brokers, partitions: int) -> RowReader:
    """Blocks while the columns of JSON are inferred from its first records. Raises ConfigError."""
    (source,) = file.pipeline.sources.values()
    reader = source_reader(file, limits, lambda: _inferred(source.topic, brokers, partitions))
    if isinstance(reader, ProtobufReader) and reader.left_out:
        log.info("fields that are no columns", extra={"fields": reader.left_out})
    return reader


def _inferred(topic: str, brokers: Brokers, partitions: int) -> dict[str, str]:
    """Waits for a first record, then looks at what is there of the first ones."""
    consumer = clients.Consumer(reader_config(brokers))
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
