"""A range of a topic, read once: `events@[100,200)` by offset, `events@[2026-01-31T12:00Z,)` by record timestamp.

As in mathematics `[` and `]` include an end, `(` and `)` leave it out; an end that is not given is the topic's own as
it is at the start. Offsets are those of each partition. A time stands for the first record of a partition that is as
new, by Kafka's index of record timestamps.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from sightline.errors import ConfigError, SightlineError
from sightline.events import parse_time_us
from sightline.io import clients
from sightline.io.batches import BatchConsumer
from sightline.io.brokers import Brokers
from sightline.io.kafka import admin, describe, reader_config
from sightline.io.records import Batch, MessageBatch

TIMEOUT_S = 10.0
POLL_S = 1.0
SILENT_S_MAX = 60.0
RECORDS_MAX = 10_000

_RANGE = re.compile(r"([A-Za-z0-9._-]{1,249})@([\[(])([^,\[\]()]*),([^,\[\]()]*)([\])])")


class Bound(NamedTuple):
    """One end: an offset, or a time in milliseconds. The first record from it on is meant."""

    value: int
    is_time: bool


class TopicRange(NamedTuple):
    topic: str
    first: Bound | None
    after: Bound | None
    """Exclusive."""


class Span(NamedTuple):
    """Offsets of one partition, `after` exclusive."""

    topic: str
    partition: int
    first: int
    after: int


class TopicError(SightlineError):
    """Kafka doesn't give what was asked for."""


def parse(text: str) -> TopicRange | None:
    """None if the text has not the form of a range. Raises ConfigError for an end that is neither offset nor time."""
    match = _RANGE.fullmatch(text)
    if not match:
        return None
    topic, opening, first, after, closing = match.groups()
    return TopicRange(topic, _bound(first, opening == "("), _bound(after, closing == "]"))


def _bound(text: str, beyond: bool) -> Bound | None:
    """`beyond`: the value itself lies before the bound."""
    text = text.strip()
    if not text:
        return None
    if text.isdecimal():
        return Bound(int(text) + beyond, False)
    try:
        time_us = parse_time_us(text)
    except ValueError:
        raise ConfigError(f"{text!r} is neither an offset nor a time such as 2026-01-31T12:00:00Z") from None
    # The first millisecond that is not before the time.
    return Bound(time_us // 1000 + 1 if beyond else -(-time_us // 1000), True)


def find(brokers: str | Brokers, wanted: TopicRange) -> list[Span]:
    """The range in each partition. Raises TopicMissingError, and TopicError where Kafka does not answer."""
    consumer = clients.Consumer(reader_config(brokers))
    try:
        partitions = describe(admin(brokers), [wanted.topic])[wanted.topic].partitions
        places = [TopicPartition(wanted.topic, each) for each in range(partitions)]
        return spans(consumer, places, wanted.first, wanted.after)
    except KafkaException as error:
        raise TopicError(f"Kafka at {brokers}: {error.args[0].str()}") from None
    finally:
        consumer.close()


def spans(consumer: Consumer, places: list[TopicPartition], first: Bound | None, after: Bound | None) -> list[Span]:
    """Raises KafkaException."""
    firsts, afters = _offsets(consumer, places, first), _offsets(consumer, places, after)
    found = []
    for place, begin, end in zip(places, firsts, afters, strict=True):
        low, high = consumer.get_watermark_offsets(place, TIMEOUT_S)
        begin = low if begin is None else min(max(begin, low), high)
        end = high if end is None else max(min(end, high), begin)
        found.append(Span(place.topic, place.partition, begin, end))
    return found


def _offsets(consumer: Consumer, places: list[TopicPartition], bound: Bound | None) -> list[int | None]:
    """None: the partition's own."""
    if bound is None or not bound.is_time:
        return [bound and bound.value] * len(places)
    asked = [TopicPartition(each.topic, each.partition, bound.value) for each in places]
    # Past the last record the answer is the end, which librdkafka writes as -1.
    found = {each.partition: each.offset for each in consumer.offsets_for_times(asked, TIMEOUT_S)}
    return [found[each.partition] if found[each.partition] >= 0 else 1 << 62 for each in places]


class RangeReader:
    """Reads one span after the other. Raises KafkaException, and TopicError if nothing comes for SILENT_S_MAX."""

    def __init__(self, brokers: str | Brokers, records_max: int = RECORDS_MAX) -> None:
        self._records_max = records_max
        self._ended: set[int] = set()
        config = reader_config(brokers) | {"enable.partition.eof": True}
        self._consumer = BatchConsumer(clients.Consumer(config), self._on_error)

    def read(self, span: Span) -> Iterator[Batch]:
        """Batches of the span's records, in order; the last may have records after it: see `within`."""
        if span.first >= span.after:
            return
        self._ended.clear()
        self._consumer.assign([TopicPartition(span.topic, span.partition, span.first)])
        yield from _until(lambda: self._consumer.poll(POLL_S, self._records_max), span, self._ended)

    def _on_error(self, error: KafkaError, place: TopicPartition) -> None:
        if error.code() == KafkaError._PARTITION_EOF:
            self._ended.add(place.partition)
        elif error.fatal() or not (error.retriable() or error.code() in _TRANSIENT):
            raise KafkaException(error)

    def close(self) -> None:
        self._consumer.close()


_TRANSIENT = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE, KafkaError._TIMED_OUT)


def until_end(consumer: Consumer, span: Span) -> Iterator[Batch]:
    """As `RangeReader.read`, with a consumer that tells of the ends of partitions."""
    if span.first >= span.after:
        return
    ended: set[int] = set()
    consumer.assign([TopicPartition(span.topic, span.partition, span.first)])

    def poll() -> list[Batch]:
        good = []
        for each in consumer.consume(RECORDS_MAX, POLL_S):
            error = each.error()
            if error is None:
                good.append(each)
            elif error.code() == KafkaError._PARTITION_EOF:
                ended.add(span.partition)
        return [MessageBatch(span.topic, span.partition, good)] if good else []

    yield from _until(poll, span, ended)


def _until(poll: Callable[[], list[Batch]], span: Span, ended: set[int]) -> Iterator[Batch]:
    silent_s = 0.0
    while True:
        batches = poll()
        for batch in batches:
            yield batch
            if batch.offsets[-1] >= span.after - 1:
                return
        if span.partition in ended:
            return  # The last offsets are a transaction's own, or were compacted away.
        silent_s = 0.0 if batches else silent_s + POLL_S
        if silent_s > SILENT_S_MAX:
            raise TopicError(f"{span.topic}/{span.partition}: no record for {SILENT_S_MAX:.0f} s before {span.after}")


def within(batch: Batch, span: Span) -> int:
    """How many records of the batch are the span's, the first ones."""
    offsets = batch.offsets
    if offsets[-1] < span.after:
        return len(batch)
    return sum(each < span.after for each in offsets)
