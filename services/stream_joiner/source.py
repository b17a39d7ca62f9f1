"""Events from Kafka: a thread that polls, hands over what has arrived, and brings partitions in and out.

One record is waited for, then whatever else has arrived is taken without waiting: nothing waits for a batch to fill.

confluent-kafka lets one thread at a time into a consumer, and a poll holds it: a call from the event loop would stop
the loop for as long as the poll lasts. So this thread alone touches the consumer, and others give it work by `later`.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from services.stream_joiner.settings import Settings
from sightline.io.kafka import group_config
from sightline.io.offsets import start_offsets
from sightline.query.pipeline import Source as EventSource

log = logging.getLogger(__name__)

T = TypeVar("T")

POLL_S = 0.05
"""The longest that a commit or a pause waits for an idle poll to end."""

HANDED_OVER_MAX = 4


class Reader(Protocol):
    """Who processes the records; called on the event loop."""

    def assigned(self, partitions: list[TopicPartition]) -> None: ...

    async def revoked(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Finish these; returns the offsets to commit for them."""
        ...

    def lost(self, partitions: list[TopicPartition]) -> None: ...

    def received(self, messages: list[Message]) -> None: ...

    def skipped(self, records: int) -> None: ...

    def committed(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None: ...


class Source(threading.Thread):
    """`failed` is told, on the loop, of an error that ends the thread."""

    def __init__(self, settings: Settings, pipeline: str, events: EventSource, reader: Reader) -> None:
        super().__init__(name="source", daemon=True)
        self._settings, self._events, self._reader = settings, events, reader
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        # Bounds what is polled and not yet looked at, while the loop is busy.
        self._handed_over = threading.BoundedSemaphore(HANDED_OVER_MAX)
        self._work: SimpleQueue[Callable[[Consumer], object]] = SimpleQueue()
        self.failed: Callable[[BaseException], None] = lambda error: None
        group = settings.group or f"sightline-joiner-{pipeline}"
        config = group_config(settings.bootstrap_servers, group, settings.session_timeout_ms, settings.instance)
        self._consumer = Consumer(config | {"on_commit": self._on_commit})

    def later(self, work: Callable[[Consumer], object]) -> None:
        """Call `work` with the consumer between two polls."""
        self._work.put(work)

    def stop(self) -> None:
        """Leave the group, which revokes and so drains the partitions. Blocks until that is done."""
        self._stopping.set()
        self.join()

    def run(self) -> None:
        try:
            self._consumer.subscribe(
                [self._events.topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
            while not self._stopping.is_set():
                self._do_work()
                self._poll()
            self._consumer.close()
        except Exception as error:
            self._loop.call_soon_threadsafe(self.failed, error)

    def _do_work(self) -> None:
        while not self._work.empty():
            try:
                self._work.get()(self._consumer)
            except KafkaException as error:
                # Of a partition that was taken away meanwhile, or while no broker answers.
                log.warning("not done", extra={"why": error.args[0].str()})

    def _poll(self) -> None:
        first = self._consumer.poll(POLL_S)
        if first is None:
            return
        messages = [first, *self._consumer.consume(self._settings.poll_records_max - 1, 0)]
        good = [each for each in messages if each.error() is None]
        for each in messages:
            if each.error() is not None:
                self._on_error(each)
        if good:
            self._handed_over.acquire()
            self._loop.call_soon_threadsafe(self._hand_over, good)

    def _hand_over(self, messages: list[Message]) -> None:
        self._handed_over.release()
        self._reader.received(messages)

    def _on_error(self, message: Message) -> None:
        error = message.error()
        if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            # What we were to read next has expired: go on at the oldest record there is.
            partition = TopicPartition(message.topic(), message.partition(), message.offset())
            self._begin([partition], lambda starts: [self._consumer.seek(each) for each in starts])
        elif error.fatal():
            raise KafkaException(error)
        else:
            log.warning("kafka", extra={"why": error.str()})

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        log.info("partitions assigned", extra={"partitions": [each.partition for each in partitions]})
        self._begin(partitions, consumer.incremental_assign)

    def _begin(self, partitions: list[TopicPartition], use: Callable[[list[TopicPartition]], object]) -> None:
        """Find where to start, tell the reader first, then let records come."""
        starts, skipped = start_offsets(self._consumer, partitions, self._events.start)
        if skipped:
            self._call(self._reader.skipped, skipped)
        self._call(self._reader.assigned, starts)
        use(starts)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        log.info("partitions revoked", extra={"partitions": [each.partition for each in partitions]})
        # An asynchronous commit still waiting here would come after the last one, and take the group back.
        self._do_work()
        if offsets := self._wait(self._reader.revoked(partitions)):
            self._do_work()
            try:
                consumer.commit(offsets=offsets, asynchronous=False)
            except KafkaException as error:
                log.warning("last commit failed; its records are read again", extra={"why": error.args[0].str()})
        consumer.incremental_unassign(partitions)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        log.warning("partitions lost", extra={"partitions": [each.partition for each in partitions]})
        self._call(self._reader.lost, partitions)
        consumer.incremental_unassign(partitions)

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        self._loop.call_soon_threadsafe(self._reader.committed, error, partitions)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        """Run on the loop, and return when it has run: what was handed over before is processed before."""

        async def run() -> None:
            function(*arguments)

        self._wait(run())

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
