"""One membership of the consumer group, from joining to leaving or losing it.

For each partition of matches that Kafka gives us: read its memory back, then take its matches. The effects of one
match, in this order:

    1. decide               with the partition's memory, which remembers an alert at once
    2. feed                 subscribers get the alert at the decision; the event loop is woken once for a batch
    3. produce              to the same partition of the alerts topic; a bad match to the dead-letter topic
    4. acknowledgement      by all replicas
    5. commit               of the matches' offsets, as far as all before is done; asynchronous

A crash after any of them repeats from the committed offset, and the memory tells what was alerted. Whenever it is not
certain that we alone act for our partitions, the session ends (SessionLostError): nothing in hand is acted on, what
the producer has not sent is purged, and the next session reads the memory anew.
"""

import logging
import threading
import time
from collections.abc import Sequence

from confluent_kafka import KafkaError, Message, TopicPartition

from services.alerting.assignment import Assignment, Partition
from services.alerting.decider import Decider
from services.alerting.effects import Effects
from services.alerting.errors import FatalError, SessionLostError
from services.alerting.lease import POLL_S_MAX, Lease
from services.alerting.parts import Parts, Places
from sightline.io import clients
from sightline.io.kafka import Consumer, KafkaException, group_config

log = logging.getLogger(__name__)

_LOADING_POLL_S = 0.01
_LAG_INTERVAL_S = 1.0
_LEAVE_S_MAX = 1.0


class Session:
    def __init__(self, parts: Parts, places: Places) -> None:
        settings = parts.settings
        self._parts, self._settings = parts, settings
        self._lease = Lease(settings.session_timeout_ms)
        self._lost: str | None = None
        config = group_config(settings.brokers, settings.group, settings.session_timeout_ms, settings.instance)
        self._consumer = clients.Consumer(config | {"on_commit": self._on_commit})
        self._effects = Effects(parts, places, self._lease, self._lose)
        self._assignment = Assignment(parts, self._consumer)
        self._decider = Decider(parts, self._lease)
        self._commits_open = 0
        self._commit_due_s = self._lag_due_s = 0.0

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set: then finish, commit and leave. Raises SessionLostError, FatalError or KafkaException."""
        try:
            self._consumer.subscribe(
                list(self._parts.topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
            while not stop.is_set():
                self._step()
            self._drain()
        finally:
            self._leave()

    def _step(self) -> None:
        self._lease.beat()
        self._parts.pulse.beat()
        self._effects.poll()
        if self._assignment.open_matches < self._settings.open_matches_max:
            self._take()
        else:
            self._effects.poll(POLL_S_MAX)
        if self._lost:
            raise SessionLostError(self._lost)
        self._assignment.install_memories()
        now_s = time.monotonic()
        if now_s >= self._commit_due_s:
            self._commit_due_s = now_s + self._settings.commit_interval_ms / 1e3
            self._commit(list(self._assignment), asynchronous=True)
        if now_s >= self._lag_due_s:
            self._lag_due_s = now_s + _LAG_INTERVAL_S
            self._assignment.observe_lag()

    def _take(self) -> None:
        """The first match on its own, because a fetch with a time-out waits to fill; then whatever else is there."""
        message = self._consumer.poll(_LOADING_POLL_S if self._assignment.loading else POLL_S_MAX)
        if message is None:
            return
        self._handle((message,))
        self._handle(self._consumer.consume(self._settings.poll_records_max, 0))

    def _handle(self, messages: Sequence[Message]) -> None:
        self._lease.beat()
        polled_us = time.time_ns() // 1000
        outcomes = []
        for message in messages:
            if (error := message.error()) is not None:
                self._on_error(error, message)
            elif (partition := self._assignment.accept(message)) is not None:
                outcomes.append(self._decider.decide(partition, message, polled_us))  # 1
        entries = [entry for outcome in outcomes for entry in outcome.entries]
        if entries:
            self._parts.publish(entries)  # 2
        for outcome in outcomes:
            self._effects.apply(outcome)  # 3, 4
        for outcome in outcomes:
            self._decider.count(outcome, polled_us)

    def _on_error(self, error: KafkaError, message: Message) -> None:
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            self._assignment.offset_out_of_range(message)
        elif error.fatal() or error.code() == KafkaError._FATAL:
            raise FatalError(error.str())
        elif error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._MAX_POLL_EXCEEDED):
            self._lose(error.str())
        else:
            log.warning("kafka: %s", error.str())

    def _commit(self, partitions: list[Partition], *, asynchronous: bool) -> None:  # 5
        offsets = []
        for partition in partitions:
            if partition.log.done_until > partition.log.committed:
                partition.log.committed = partition.log.done_until
                offsets.append(TopicPartition(partition.log.topic, partition.log.partition, partition.log.done_until))
        if offsets:
            self._consumer.commit(offsets=offsets, asynchronous=asynchronous)
            self._commits_open += asynchronous

    def _on_commit(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        """A commit that failed is repeated with the next one; one that is refused says that we are out of the group."""
        self._commits_open -= 1
        if error is None:
            return
        log.warning("commit failed: %s", error.str())
        if error.code() in (KafkaError.UNKNOWN_MEMBER_ID, KafkaError.FENCED_INSTANCE_ID):
            self._lose(f"commit refused: {error.str()}")
        for each in offsets:
            self._assignment.commit_again(each)

    def _on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._parts.pulse.rest()  # Kafka may be away
        self._assignment.add(partitions)

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        """Somebody else waits for these: finish what is in flight, commit, release."""
        self._parts.pulse.rest()
        mine = [partition for each in partitions if (partition := self._assignment.get(each)) is not None]
        if not self._lost:
            self._finish(mine)
            try:
                self._commit(mine, asynchronous=False)
            except KafkaException as error:
                log.warning("commit failed: %s", error.args[0].str())
        self._assignment.remove(partitions)

    def _on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        """Somebody else may have these already."""
        self._lose("the group went on without this instance")
        self._assignment.remove(partitions)

    def _drain(self) -> None:
        """Finish and commit, in bounded time where there is no broker. What is polled meanwhile is not taken."""
        self._parts.pulse.rest()
        partitions = list(self._assignment)
        self._finish(partitions)
        self._commit(partitions, asynchronous=True)
        deadline_s = time.monotonic() + self._settings.session_timeout_ms / 1e3
        while self._commits_open and not self._lost and time.monotonic() < deadline_s:
            self._consumer.poll(POLL_S_MAX)

    def _finish(self, partitions: list[Partition]) -> None:
        """Wait for acknowledgements; what is not acknowledged in time is dropped with the session."""
        deadline_s = time.monotonic() + self._settings.drain_ms_max / 1e3
        while any(len(partition.log) for partition in partitions) and not self._lost:
            self._lease.beat()
            if time.monotonic() > deadline_s:
                self._lose(f"alerts were not acknowledged in {self._settings.drain_ms_max} ms")
                self._effects.close()  # now, before anybody else is told to go on
                break
            self._effects.poll(POLL_S_MAX)

    def _lose(self, why: str) -> None:
        self._lost = self._lost or why

    def _leave(self) -> None:
        self._parts.pulse.rest()
        self._lose("the session is over")
        self._effects.close()
        self._assignment.close()
        # Without a broker the client is not closed before one is back: then it still leaves the group, so that nobody
        # waits for the end of its membership, while the next session asks for the brokers already.
        closing = threading.Thread(target=self._consumer.close, name="leaving the group", daemon=True)
        closing.start()
        closing.join(_LEAVE_S_MAX)
