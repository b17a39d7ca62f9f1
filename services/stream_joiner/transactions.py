"""Exactly once: outputs, state and input offsets in one Kafka transaction, a few times a second.

1. The engine's owner sends outputs; they wait here.
2. `commit` takes what has been sent and the offsets that it covers. The engine's state is at those offsets.
3. In the consumer's thread: begin, produce, send the offsets with the group's metadata, commit.
4. The owner hears that it is safe. What was sent meanwhile waits for the next transaction.

A transaction is never open while anything is waited for but the broker. One that fails before its commit is made again
as it was, after a poll: nothing of it was seen by a reader in read_committed. It gets a new producer, which aborts what
the old one left, for librdkafka may never answer a call that a broker's restart fell into. One that fails in its commit
ends the instance: what the broker has is then read back. An instance that has lost its partitions is fenced: its
offsets are refused, and with them all that it sent; then the poll tells it, and the transaction is dropped.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from services.stream_joiner.sink import Acknowledged, Later, Output, ignore, produce
from sightline.io.kafka import Brokers, producer_config

log = logging.getLogger(__name__)

TIMEOUT_S = 5.0
"""Of one call to the broker; the call is made again if it may be."""

HUNG_S = 3 * TIMEOUT_S
"""librdkafka has lost a call that takes longer."""

TRANSACTION_MS = 10_000
"""After that the broker aborts what a dead instance left open; readers in read_committed wait for it."""

FAILED_PAUSE_S = 0.05
FAILED_MAX = 100
"""A transaction that has failed so often ends the instance."""

Post = Callable[..., object]
"""Calls a function with arguments in the engine's owner."""


class _Sent(NamedTuple):
    outputs: Sequence[Output]
    acknowledged: Acknowledged


class ExactlyOnce:
    """`name` is the transactional id: of the instances of a group each needs its own, the same over restarts."""

    exactly_once = True

    def __init__(
        self, brokers: Brokers, name: str, failed: Callable[[Exception], None], later: Later, post: Post
    ) -> None:
        more = {"transactional.id": name, "transaction.timeout.ms": TRANSACTION_MS}
        self._config = producer_config(brokers, transactional=True) | more
        self._failed, self._later, self._post = failed, later, post
        self._waiting: list[_Sent] = []
        self._open = False
        self._abandoned = False

    def start(self) -> None:
        """Fence whoever had our name before, and abort what is left of it. Blocks until the broker answers."""
        self._producer = Producer(self._config)
        _patiently(partial(self._producer.init_transactions, TIMEOUT_S))

    def send(self, output: Output, acknowledged: Acknowledged = ignore) -> None:
        self.send_all((output,), acknowledged)

    def send_all(self, outputs: Sequence[Output], acknowledged: Acknowledged = ignore) -> None:
        self._waiting.append(_Sent(outputs, acknowledged))

    def poll(self) -> None:
        """Acknowledgements come by `post`."""

    def commit(self, offsets: list[TopicPartition]) -> None:
        assert not self._open, "one transaction at a time"
        sent, self._waiting = self._waiting, []
        self._open, self._abandoned = True, False
        self._later(lambda consumer: self._transact(consumer, sent, offsets))

    def abandon(self) -> None:
        self._waiting.clear()
        self._abandoned = True

    def settled(self) -> bool:
        return not self._waiting and not self._open

    @property
    def pressing(self) -> bool:
        """The next transaction should not be late."""
        return not self.settled()

    @property
    def busy(self) -> bool:
        """A transaction is under way: the next one has to wait."""
        return self._open

    def close(self, timeout_s: float) -> int:
        return sum(len(each.outputs) for each in self._waiting)

    def _transact(
        self, consumer: Consumer, sent: Sequence[_Sent], offsets: list[TopicPartition], failures: int = 0
    ) -> None:
        """In the consumer's thread."""
        if self._abandoned:
            self._open = False
            return
        try:
            self._fill(consumer, sent, offsets)
        except KafkaException as error:
            if self._begin_anew(error.args[0], failures):
                self._later(lambda consumer: self._transact(consumer, sent, offsets, failures + 1))
            return
        try:
            _patiently(partial(self._producer.commit_transaction, TIMEOUT_S))
        except KafkaException as error:
            self._fail(error.args[0])
            return
        self._post(self._committed, sent)

    def _fill(self, consumer: Consumer, sent: Sequence[_Sent], offsets: list[TopicPartition]) -> None:
        self._producer.begin_transaction()
        for each in sent:
            produce(self._producer, each.outputs, self._delivered)
        # Before the group is asked: whoever gets our partitions then sees that something of ours is still open.
        while self._producer.flush(TIMEOUT_S):
            log.warning("waiting for Kafka", extra={"records": len(self._producer)})
        self._send_offsets(consumer, offsets)

    def _send_offsets(self, consumer: Consumer, offsets: list[TopicPartition]) -> None:
        metadata = consumer.consumer_group_metadata()
        if not consumer.memberid():
            # Offsets of nobody are not refused: brokers take them from producers older than the check.
            raise KafkaException(KafkaError(KafkaError.UNKNOWN_MEMBER_ID, "out of the group", txn_requires_abort=True))
        _patiently(partial(self._producer.send_offsets_to_transaction, offsets, metadata, TIMEOUT_S))

    def _committed(self, sent: Sequence[_Sent]) -> None:
        self._open = False
        for each in sent:
            each.acknowledged()

    def _begin_anew(self, error: KafkaError, failures: int) -> bool:
        """Whether the transaction can be made again."""
        if not (error.fatal() or error.txn_requires_abort()) or failures >= FAILED_MAX:
            self._fail(error)
            return False
        log.warning("transaction failed", extra={"why": error.str()})
        time.sleep(FAILED_PAUSE_S)
        self._producer.purge(blocking=False)
        try:
            self.start()
        except KafkaException as refused:
            self._fail(refused.args[0])
            return False
        return True

    def _fail(self, error: KafkaError) -> None:
        self._post(self._failed, RuntimeError(f"transaction failed: {error.str()}"))

    @staticmethod
    def _delivered(error: KafkaError | None, _: Message) -> None:
        """A record that failed fails its transaction, which tells."""


def _patiently(call: Callable[[], object]) -> None:
    """Again while the broker is away, as the client says it may be. Raises KafkaException, also if it is lost."""
    while True:
        try:
            _guarded(call)
            return
        except KafkaException as error:
            if not error.args[0].retriable():
                raise
            log.warning("waiting for Kafka", extra={"why": error.args[0].str()})


def _guarded(call: Callable[[], object]) -> None:
    """In a thread that can be left behind: it would block for ever, and its producer with it."""
    ended: SimpleQueue[BaseException | None] = SimpleQueue()

    def run() -> None:
        try:
            call()
            ended.put(None)
        except BaseException as error:
            ended.put(error)

    threading.Thread(target=run, name="transaction", daemon=True).start()
    try:
        error = ended.get(timeout=HUNG_S)
    except Empty:
        lost = KafkaError(KafkaError._TIMED_OUT, "the client does not answer", txn_requires_abort=True)
        raise KafkaException(lost) from None
    if error:
        raise error
