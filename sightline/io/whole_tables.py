"""A pipeline's tables read once, to the end that they have now: for queries over input that has an end."""

from collections.abc import Callable
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from sightline.errors import ConfigError
from sightline.events import Refusal
from sightline.formats.inference import infer_table
from sightline.io import clients
from sightline.io.brokers import Brokers
from sightline.io.kafka import TopicInfo, admin, describe, reader_config
from sightline.io.records import Raw
from sightline.io.table_files import file_columns, read_rows
from sightline.io.topic_range import Span, spans, until_end
from sightline.query.pipeline import Table
from sightline.query.tables import TableLimits, TableRows

INFERRED_RECORDS_MAX = 10_000
LIMITS = TableLimits()

Refuse = Callable[[str, Raw, Refusal], object]
"""Where a record lies, the record, and why it is no row."""


def file_table(name: str, table: Table, limits: TableLimits = LIMITS) -> TableRows:
    """`table.columns` are set where they were not declared. Raises ConfigError naming row and column."""
    assert table.file is not None
    path, number = Path(table.file), 0
    table.columns = file_columns(path, table)
    rows = TableRows(name, table, limits)
    try:
        for row in read_rows(path, rows.kind):
            number += 1
            rows.put(row)
    except ValueError as error:
        raise ConfigError(f"row {number}: {error}", file=path) from None
    rows.commit()
    rows.refresh()
    return rows


def topic_table(
    name: str, table: Table, brokers: str | Brokers, refuse: Refuse, limits: TableLimits = LIMITS
) -> TableRows:
    """`table.columns` are inferred where they were not declared. Blocks until Kafka has given everything."""
    assert table.topic is not None
    topic: TopicInfo = describe(admin(brokers), [table.topic])[table.topic]
    places = [TopicPartition(table.topic, each) for each in range(topic.partitions)]
    consumer = clients.Consumer(reader_config(brokers) | {"enable.partition.eof": True})
    try:
        whole = spans(consumer, places, None, None)
        if table.columns is None:
            table.columns = _inferred(consumer, whole, table)
        rows = TableRows(name, table, limits, partitions=topic.partitions)
        for span in whole:
            for batch in until_end(consumer, span):
                for index in range(len(batch)):
                    raw = batch.record(index)
                    if refusal := rows.apply(raw.key, raw.value, raw.timestamp_ms, span.partition):
                        refuse(f"{table.topic}/{span.partition} offset {raw.offset}", raw, refusal)
    finally:
        consumer.close()
    rows.commit()
    rows.refresh()
    return rows


def _inferred(consumer: Consumer, whole: list[Span], table: Table) -> dict[str, str]:
    """By the first records."""
    values: list[bytes | None] = []
    for span in whole:
        for batch in until_end(consumer, span):
            values += [value for value in batch.values() if value]
            if len(values) >= INFERRED_RECORDS_MAX:
                break
    return infer_table(values, table, INFERRED_RECORDS_MAX)
