"""Records from Kafka: the thread that polls, hands over what has arrived, and brings partitions in and out.

One record is waited for, then whatever else has arrived is taken without waiting: nothing waits for a batch to fill.
Only above a thousand polls a second there is a moment between them.

confluent-kafka lets one thread at a time into a consumer, and a poll holds it: a call from elsewhere would stop there
for as long as the poll lasts. So this thread alone touches the consumer, and others give it work by `later`.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from queue import SimpleQueue
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from services.common.pulse import Pulse
from services.stream_joiner.owner import Owner
from services.stream_joiner.reader import Place, Reader, States
from services.stream_joiner.rejoin import Rejoin, is_fatal, leave_behind
from services.stream_joiner.sink import Work
from sightline.io import clients
from sightline.io.batches import BatchConsumer
from sightline.io.offsets import start_offsets

log = logging.getLogger(__name__)

POLL_S = 0.05
"""The longest that a commit or a pause waits for an idle poll to end."""

TICK_S = 0.01
SETTLE_S = 0.002

GATHER_S = 0.0005
"""A round of poll, join and produce costs about as much for five records as for one: at 10,000 records a second this
saves a third of our CPU, and requests to the broker. On two cores that is worth more than the wait."""

GATHER_WITHIN_S = 0.001
"""Records that come further apart than this are not waited for."""

GATHER_RECORDS_MAX = 100


class Subscription(NamedTuple):
    """`starts`: topic to where a group that never committed begins, "earliest" or "latest".

    The group shares out the partitions of `topic`. Partition i of each of the other topics goes with its partition i:
    so instances have equal work, for a group would only even out how many partitions each has. `config` is the
    consumer's, with `enable.partition.eof`.

    `restore` reads what is known of partitions that come to us; it runs in this thread, and may take its time.
    """

    topic: str
    starts: dict[str, str]
    config: dict[str, object]
    records_max: int
    drain_s_max: float
    restore: Callable[[list[TopicPartition]], States]


class Source(threading.Thread):
    """`failed` is told, in whatever thread, of an error that ends this one."""

    def __init__(
        self,
        subscription: Subscription,
        owner: Owner,
        failed: Callable[[BaseException], object],
        pulse: Pulse,
    ) -> None:
        super().__init__(name=pulse.name, daemon=True)
        self._pulse = pulse
        self._subscription, self._owner, self._failed = subscription, owner, failed
        self._stopping = threading.Event()
        self._work: SimpleQueue[Work] = SimpleQueue()
        self._due_s = self._received_s = 0.0
        self._paused: frozenset[Place] = frozenset()
        self._connect()
        self._rejoin = Rejoin()
        self.reader: Reader

    def _connect(self) -> None:
        def on_commit(error: KafkaError | None, partitions: list[TopicPartition]) -> None:
            self._told(partial(self._on_commit, error), consumer, partitions)

        self._consumer = consumer = clients.Consumer(self._subscription.config | {"on_commit": on_commit})
        self._batches = BatchConsumer(consumer, self._on_error)

    def later(self, work: Work) -> None:
        """Call `work` with the consumer between two polls."""
        self._work.put(work)

    def stop(self) -> None:
        """Leave the group, which revokes and so drains the partitions. Blocks until that is done."""
        self._stopping.set()
        self.join()

    def run(self) -> None:
        try:
            self._subscribe()
            while not self._stopping.is_set():
                self._pulse.rest()  # a transaction waits for Kafka for as long as that is away
                self._do_work()
                self._pulse.beat()
                try:
                    self._poll()
                except KafkaException as error:
                    if not self._rejoin.excuses(error):
                        raise
                    self._join_anew(error)
            self._pulse.rest()
            self._batches.close()
        except Exception as error:
            self._failed(error)

    def _subscribe(self) -> None:
        self._batches.subscribe(
            [self._subscription.topic],
            on_assign=partial(self._told, self._on_assign),
            on_revoke=partial(self._told, self._on_revoke),
            on_lost=partial(self._told, self._on_lost),
        )

    def _told(self, listen: Callable[[list[TopicPartition]], None], by: Consumer, what: list[TopicPartition]) -> None:
        """One that was left behind may still say something, in another thread: it counts no more."""
        if by is self._consumer:
            listen(what)

    def _join_anew(self, why: Exception) -> None:
        """As a process does that was started anew."""
        log.warning("joining the group anew", extra={"why": str(why)})
        gone = self._batches
        if gone.owned:
            self._owner.call(self.reader.lost, _partitions(gone.owned))
        self._paused = frozenset()
        self._connect()
        leave_behind(gone)
        self._rejoin.lost()
        self._subscribe()

    def _do_work(self) -> None:
        """What there is now: what it adds comes after a poll."""
        for _ in range(self._work.qsize()):
            try:
                self._work.get()(self._consumer)
            except KafkaException as error:
                # Of a partition that was taken away meanwhile, or while no broker answers.
                log.warning("not done", extra={"why": error.args[0].str()})

    def _pause_and_resume(self) -> None:
        """Paused partitions are still polled, so the group keeps us, and nothing of them comes."""
        wanted = self.reader.resting
        if wanted != self._paused:
            self._consumer.pause(_partitions(wanted - self._paused))
            self._consumer.resume(_partitions(self._paused - wanted))
            self._paused = wanted

    def _unassign(self, partitions: list[TopicPartition]) -> None:
        """librdkafka would keep what is paused so until we have it again, for the reader to wait in vain."""
        paused = self._paused & {_key(each) for each in partitions}
        self._consumer.resume(_partitions(paused))
        self._paused -= paused
        self._batches.incremental_unassign(partitions)

    def _poll(self) -> None:
        self._pause_and_resume()
        wait_s = SETTLE_S if self.reader.busy else POLL_S
        batches = self._batches.poll(wait_s, self._subscription.records_max)
        now_s = time.monotonic()
        if batches:
            self._owner.post(self.reader.received, batches)
            self._gather(sum(map(len, batches)), now_s)
        if now_s >= self._due_s:
            self._due_s = now_s + TICK_S
            self._owner.post(self.reader.tick, now_s)

    def _gather(self, records: int, now_s: float) -> None:
        """Let more arrive where records come fast and few at a time."""
        if records < GATHER_RECORDS_MAX and now_s - self._received_s < GATHER_WITHIN_S:
            time.sleep(GATHER_S)
        self._received_s = now_s

    def _on_error(self, error: KafkaError, partition: TopicPartition) -> None:
        if error.code() == KafkaError._PARTITION_EOF:
            self._owner.post(self.reader.ended, partition.topic, partition.partition, partition.offset)
        elif error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            # What we were to read next has expired: go on at the oldest record there is.
            self._begin([partition], self._seek)
        elif is_fatal(error):
            raise KafkaException(error)
        else:
            log.warning("kafka", extra={"why": error.str()})

    def _seek(self, starts: list[TopicPartition]) -> None:
        for each in starts:
            self._batches.seek(each)

    def _with_followers(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        return [TopicPartition(topic, each.partition) for topic in self._subscription.starts for each in partitions]

    def _on_assign(self, partitions: list[TopicPartition]) -> None:
        partitions = self._with_followers(partitions)
        log.info("partitions assigned", extra={"partitions": _names(partitions)})
        self._rejoin.joined()
        if self._stopping.is_set():
            # We are leaving, and a client that is being closed may never find its group's offsets.
            self._batches.incremental_assign(partitions)
            return
        self._begin(partitions, self._batches.incremental_assign)

    def _begin(self, partitions: list[TopicPartition], use: Callable[[list[TopicPartition]], object]) -> None:
        """Find where to start, tell the reader first, then let records come."""
        self._pulse.rest()  # states are read back as long as that takes, and Kafka may be away
        states, starts = self._subscription.restore(partitions), []
        for topic, start in self._subscription.starts.items():
            if ours := [each for each in partitions if each.topic == topic]:
                restored = {each.partition: states[_key(each)].position for each in ours if _key(each) in states}
                known = {partition: position for partition, position in restored.items() if position is not None}
                found, skipped = start_offsets(self._consumer, ours, start, known)
                starts += found
                if skipped:
                    self._owner.call(self.reader.skipped, skipped)
        self._owner.call(self.reader.assigned, starts, states)
        use(starts)

    def _on_revoke(self, partitions: list[TopicPartition]) -> None:
        partitions = self._with_followers(partitions)
        log.info("partitions revoked", extra={"partitions": _names(partitions)})
        self._pulse.rest()
        deadline_s = time.monotonic() + self._subscription.drain_s_max
        # An asynchronous commit still waiting here would come after the last one, and take the group back.
        self._do_work()
        while not self._owner.call(self.reader.settle, partitions) and time.monotonic() < deadline_s:
            self._do_work()
            time.sleep(SETTLE_S)
        self._do_work()
        if offsets := self._owner.call(self.reader.released, partitions):
            try:
                self._consumer.commit(offsets=offsets, asynchronous=False)
            except KafkaException as error:
                log.warning("last commit failed; its records are read again", extra={"why": error.args[0].str()})
        self._unassign(partitions)

    def _on_lost(self, partitions: list[TopicPartition]) -> None:
        partitions = self._with_followers(partitions)
        log.warning("partitions lost", extra={"partitions": _names(partitions)})
        self._rejoin.lost()
        self._owner.call(self.reader.lost, partitions)
        self._unassign(partitions)

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        self._owner.post(self.reader.committed, error, partitions)


def _key(partition: TopicPartition) -> Place:
    return partition.topic, partition.partition


def _partitions(places: Iterable[Place]) -> list[TopicPartition]:
    return [TopicPartition(*each) for each in places]


def _names(partitions: list[TopicPartition]) -> list[str]:
    return [f"{each.topic}/{each.partition}" for each in partitions]
