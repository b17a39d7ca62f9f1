"""What leaves the joiner: result rows, dead letters, and the state that travels through Kafka.

A sink takes outputs and says of each when it is safe. `AtLeastOnce` produces at once and commits beside it;
`transactions.ExactlyOnce` keeps outputs back and commits them together with the offsets.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from sightline.io import clients
from sightline.io.kafka import Brokers, producer_config

log = logging.getLogger(__name__)

Acknowledged = Callable[[], object]
Work = Callable[[Consumer], object]
Later = Callable[[Work], None]
"""Runs a piece of work with the consumer, in the thread that alone may touch it."""


UNCOLLECTED_RECORDS_MAX = 100
"""Acknowledgements of more than these are looked at soon."""


class Output(msgspec.Struct, frozen=True):
    """One record to produce; without `partition` its key decides. A struct is made without a call of Python code."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] | None = None
    partition: int = -1


def ignore() -> None:
    """Nobody waits for this acknowledgement."""


class Sink(Protocol):
    """Used by the engine's owner alone, but for `flush`."""

    exactly_once: bool

    @property
    def busy(self) -> bool:
        """A commit is under way: the next one has to wait."""
        ...

    def send(self, output: Output, acknowledged: Acknowledged = ignore) -> None: ...

    def send_all(self, outputs: Sequence[Output], acknowledged: Acknowledged = ignore) -> None:
        """At least one; `acknowledged` is called once, when all of them are safe."""

    def poll(self) -> None:
        """Call back for what was acknowledged since the last time."""

    def commit(self, offsets: list[TopicPartition]) -> None:
        """Offsets below which all is done (at-least-once), or will be with what was sent (exactly-once)."""

    def abandon(self) -> None:
        """Our partitions were taken away: what was not committed is somebody else's now."""

    def settled(self) -> bool:
        """Nothing that was sent waits for its acknowledgement."""
        ...

    @property
    def pressing(self) -> bool:
        """Something should be done soon, by `poll` or `commit`."""
        ...

    def close(self, timeout_s: float) -> int:
        """Wait for acknowledgements; returns how many are missing. Blocks."""
        ...


class AtLeastOnce:
    """Produces at once. `failed` is told of a record that can't be produced.

    `idempotent`: no record is there twice because a broker's answer was lost. State needs that; what subscribers get
    may be repeated anyway after a crash, with the same ids.
    """

    exactly_once = False
    busy = False

    def __init__(
        self, brokers: Brokers, failed: Callable[[Exception], None], later: Later, idempotent: bool = True
    ) -> None:
        self._producer = clients.Producer(producer_config(brokers, idempotent=idempotent))
        self._failed, self._later = failed, later
        self._waiting = 0

    def send(self, output: Output, acknowledged: Acknowledged = ignore) -> None:
        self.send_all((output,), acknowledged)

    def send_all(self, outputs: Sequence[Output], acknowledged: Acknowledged = ignore) -> None:
        left = len(outputs)

        def delivered(error: KafkaError | None, message: Message) -> None:
            nonlocal left
            left -= 1
            if error is not None:
                # Retries are librdkafka's and have no limit; what arrives here can't be mended by waiting.
                self._failed(RuntimeError(f"producing to {message.topic()!r} failed: {error.str()}"))
            elif not left:
                self._waiting -= len(outputs)
                acknowledged()

        self._waiting += left
        produce(self._producer, outputs, delivered)

    def poll(self) -> None:
        # Also while nothing is waited for: see clients.Producer.
        self._producer.poll(0)

    def commit(self, offsets: list[TopicPartition]) -> None:
        self._later(lambda consumer: consumer.commit(offsets=offsets, asynchronous=True))

    def abandon(self) -> None:
        """What is on its way arrives with ids that its new owner will repeat."""

    def settled(self) -> bool:
        return not self._waiting

    @property
    def pressing(self) -> bool:
        return self._waiting > UNCOLLECTED_RECORDS_MAX

    def close(self, timeout_s: float) -> int:
        return int(self._producer.flush(timeout_s))


def produce(
    producer: Producer, outputs: Sequence[Output], delivered: Callable[[KafkaError | None, Message], None]
) -> None:
    """Hand records to the client; waits while its queue is full."""
    call = producer.produce
    for each in outputs:
        while True:
            try:
                call(
                    each.topic,
                    each.value,
                    each.key,
                    partition=each.partition,
                    headers=each.headers,
                    on_delivery=delivered,
                )
                break
            except BufferError:
                producer.poll(0.01)
