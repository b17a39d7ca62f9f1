"""A range of a topic as a batch query's input."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from confluent_kafka import KafkaException

from sightline.batch.chunks import Chunk, Partition
from sightline.formats.reader import RowReader
from sightline.formats.timed import Records
from sightline.io.brokers import Brokers
from sightline.io.records import Batch, RawBatch
from sightline.io.topic_range import RECORDS_MAX, RangeReader, Span, TopicError, within

SCORED_RECORDS_MAX = 200
"""Read at once where each may be an image."""


class TopicInput:
    """Partition after partition, so that the result's order is always the same. How many bytes come is not known."""

    def __init__(self, brokers: str | Brokers, spans: list[Span], future_s_max: float, are_images: bool) -> None:
        self._spans, self.future_us_max = spans, future_s_max * 1e6
        self.bytes: int | None = None
        self._reader = RangeReader(brokers, SCORED_RECORDS_MAX if are_images else RECORDS_MAX)

    def partitions(self, reader: RowReader, needed: frozenset[str]) -> Iterator[Partition]:
        for span in self._spans:
            yield self._chunks(span, reader)

    def sample(self, records_max: int) -> Sequence[bytes | None]:
        """The first records, by which columns are inferred."""
        values: list[Any] = []
        for span in self._spans:
            for batch in self._reader.read(span):
                values += batch.values()[: within(batch, span)]
                if len(values) >= records_max:
                    return values[:records_max]
        return values

    def close(self) -> None:
        self._reader.close()

    def _chunks(self, span: Span, reader: RowReader) -> Iterator[Chunk]:
        try:
            for batch in self._reader.read(span):
                count = within(batch, span)
                if count < len(batch):
                    batch = RawBatch(span.topic, span.partition, [batch.record(i) for i in range(count)])
                if count:
                    rows, where = Records(reader, batch), partial(_where, batch)
                    yield Chunk(rows, batch.timestamps_ms, batch.offsets, batch.record, where, batch.bytes)
        except KafkaException as error:
            raise TopicError(f"{span.topic}/{span.partition}: {error.args[0].str()}") from None


def _where(batch: Batch, index: int) -> str:
    return f"{batch.topic}/{batch.partition} offset {batch.offsets[index]}"
