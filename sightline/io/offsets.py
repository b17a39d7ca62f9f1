"""Where a group's consumer starts in a partition that it was just given."""

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException, TopicPartition

from sightline.io.clients import Consumer, Silence

log = logging.getLogger(__name__)

T = TypeVar("T")

TIMEOUT_S = 5.0

PASSING = (
    "COORDINATOR_LOAD_IN_PROGRESS",
    "COORDINATOR_NOT_AVAILABLE",
    "FENCED_LEADER_EPOCH",
    "LEADER_NOT_AVAILABLE",
    "NOT_COORDINATOR",
    "NOT_LEADER_FOR_PARTITION",
    "UNKNOWN_LEADER_EPOCH",
    "UNKNOWN_TOPIC_OR_PART",
    "UNSTABLE_OFFSET_COMMIT",
)
"""What a broker answers while it goes down or comes up, though librdkafka does not call it retriable."""


def passing(error: KafkaError) -> bool:
    """Whether the same question may have an answer later.

    The client's own errors all may. Besides time-outs and lost connections there are many that it has for a broker
    that is on its way: no such partition, no such entry, a partial answer, all brokers down, a broker's handle gone.
    """
    return not error.fatal() and (error.retriable() or error.code() < 0 or error.name() in PASSING)


def start_offsets(
    consumer: Consumer, partitions: list[TopicPartition], start: str, known: Mapping[int, int] | None = None
) -> tuple[list[TopicPartition], int]:
    """The partitions of one topic with the offsets to start at, and how many records expired unread.

    `known` offsets, by partition, go before committed ones. A committed offset brings the metadata that was committed
    with it, and one of a transaction that is still open is waited for. A group that never committed begins where
    `start` says ("earliest" or "latest"), and a partition that is new to a group that did commit at its beginning. A
    committed offset that the broker no longer has, or (in a topic made anew) does not have yet, gives the oldest
    record there is, logged as data loss.
    """
    missed = partial(Silence(consumer).heard, ())
    found = patiently(lambda: consumer.committed(partitions, TIMEOUT_S), missed)
    committed = {each.partition: each for each in found}
    starts, skipped = [], 0
    known_group = any(each.offset != OFFSET_INVALID for each in committed.values())
    for each in partitions:
        low, high = patiently(partial(consumer.get_watermark_offsets, each, TIMEOUT_S), missed)
        offset = (known or {}).get(each.partition, committed[each.partition].offset)
        if offset == OFFSET_INVALID:
            offset = high if start == "latest" and not known_group else low
        elif not low <= offset <= high:
            lost = max(low - offset, 0)
            skipped += lost
            log.error(
                "data loss: the committed offset is gone",
                extra={
                    "topic": each.topic,
                    "partition": each.partition,
                    "committed": offset,
                    "from": low,
                    "lost": lost,
                },
            )
            offset = low
        metadata = committed[each.partition].metadata or ""
        starts.append(TopicPartition(each.topic, each.partition, offset, metadata))
    return starts, skipped


def patiently(ask: Callable[[], T], missed: Callable[[], object] = lambda: None) -> T:
    """The broker's answer, asked again while it is away; `missed` is called each time."""
    while True:
        try:
            return ask()
        except KafkaException as error:
            if not passing(error.args[0]):
                raise
            log.warning("waiting for Kafka", extra={"why": error.args[0].str()})
            missed()
            time.sleep(0.1)
