"""A member of the consumer group: partitions that come, go and rest, and joining anew.

The group shares out the partitions of one topic; those of other topics go with them.
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
from services.stream_joiner.rejoin import Rejoin
from services.stream_joiner.sink import Work
from sightline.io import clients
from sightline.io.batches import BatchConsumer, OnError
from sightline.io.offsets import start_offsets

log = logging.getLogger(__name__)

SETTLE_S = 0.002


class Subscription(NamedTuple):
    """`starts`: topic to where a group that never committed begins, "earliest" or "latest".

    The group shares out the partitions of `topic`. Partition i of each of the other topics goes with its partition i:
    so instances have equal work, for a group would only even out how many partitions each has. `config` is the
    consumer's, with `enable.partition.eof`.

    `restore` reads what is known of partitions that come to us; it runs in the polling thread, and may take its time.
    """

    topic: str
    starts: dict[str, str]
    config: dict[str, object]
    records_max: int
    drain_s_max: float
    restore: Callable[[list[TopicPartition]], States]


class Member:
    """For the polling thread, but for `later`. `on_error` is told of errors between records."""

    def __init__(self, subscription: Subscription, owner: Owner, pulse: Pulse, on_error: OnError) -> None:
        self._subscription, self._owner, self._pulse, self._on_error = subscription, owner, pulse, on_error
        self._work: SimpleQueue[Work] = SimpleQueue()
        self._paused: frozenset[Place] = frozenset()
        self._rejoin = Rejoin()
        self._leaving = False
        self._reader: Reader
        self._connect()

    def _connect(self) -> None:
        def on_commit(error: KafkaError | None, partitions: list[TopicPartition]) -> None:
            self._told(partial(self._on_commit, error), consumer, partitions)

        self._consumer = consumer = clients.Consumer(self._subscription.config | {"on_commit": on_commit})
        self.batches = BatchConsumer(consumer, self._on_error)

    def join(self, reader: Reader) -> None:
        """From now on `reader` is told, by its owner, of partitions and answers to commits."""
        self._reader = reader
        self.batches.subscribe(
            [self._subscription.topic],
            on_assign=partial(self._told, self._on_assign),
            on_revoke=partial(self._told, self._on_revoke),
            on_lost=partial(self._told, self._on_lost),
        )

    def _told(self, listen: Callable[[list[TopicPartition]], None], by: Consumer, what: list[TopicPartition]) -> None:
        """One that was left behind may still say something, in another thread: it counts no more."""
        if by is self._consumer:
            listen(what)

    def joins_anew(self, error: KafkaException) -> bool:
        """As a process does that was started anew, if that may help after `error`."""
        if not self._rejoin.excuses(error):
            return False
        log.warning("joining the group anew", extra={"why": str(error)})
        gone = self.batches
        if gone.owned:
            self._owner.call(self._reader.lost, _partitions(gone.owned))
        self._paused = frozenset()
        self._connect()
        # Not waited for: where its broker is silent it takes long.
        threading.Thread(target=gone.close, name="leaving the group", daemon=True).start()
        self._rejoin.lost()
        self.join(self._reader)
        return True

    def leave(self) -> None:
        """Blocks until all that is open is done, or `drain_s_max` is over."""
        self._leaving = True
        self.batches.close()

    # Work with the consumer.

    def later(self, work: Work) -> None:
        """From any thread: call `work` with the consumer between two polls."""
        self._work.put(work)

    def do_work(self) -> None:
        """What there is now: what it adds comes after a poll."""
        for _ in range(self._work.qsize()):
            try:
                self._work.get()(self._consumer)
            except KafkaException as error:
                # Of a partition that was taken away meanwhile, or while no broker answers.
                log.warning("not done", extra={"why": error.args[0].str()})

    def pause_and_resume(self) -> None:
        """Paused partitions are still polled, so the group keeps us, and nothing of them comes."""
        wanted = self._reader.resting
        if wanted != self._paused:
            self._consumer.pause(_partitions(wanted - self._paused))
            self._consumer.resume(_partitions(self._paused - wanted))
            self._paused = wanted

    def seek_again(self, partition: TopicPartition) -> None:
        """What it was to read next has expired: it goes on at the oldest record there is."""
        self._begin([partition], self._seek)

    def _seek(self, starts: list[TopicPartition]) -> None:
        for each in starts:
            self.batches.seek(each)

    # Partitions come and go.

    def _with_followers(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        return [TopicPartition(topic, each.partition) for topic in self._subscription.starts for each in partitions]

    def _on_assign(self, partitions: list[TopicPartition]) -> None:
        partitions = self._with_followers(partitions)
        log.info("partitions assigned", extra={"partitions": _names(partitions)})
        self._rejoin.joined()
        if self._leaving:
            # A client that is being closed may never find its group's offsets.
            self.batches.incremental_assign(partitions)
            return
        self._begin(partitions, self.batches.incremental_assign)

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
                    self._owner.call(self._reader.skipped, skipped)
        self._owner.call(self._reader.assigned, starts, states)
        use(starts)

    def _on_revoke(self, partitions: list[TopicPartition]) -> None:
        partitions = self._with_followers(partitions)
        log.info("partitions revoked", extra={"partitions": _names(partitions)})
        self._pulse.rest()
        deadline_s = time.monotonic() + self._subscription.drain_s_max
        # An asynchronous commit still waiting here would come after the last one, and take the group back.
        self.do_work()
        while not self._owner.call(self._reader.settle, partitions) and time.monotonic() < deadline_s:
            self.do_work()
            time.sleep(SETTLE_S)
        self.do_work()
        if offsets := self._owner.call(self._reader.released, partitions):
            try:
                self._consumer.commit(offsets=offsets, asynchronous=False)
            except KafkaException as error:
                log.warning("last commit failed; its records are read again", extra={"why": error.args[0].str()})
        self._unassign(partitions)

    def _on_lost(self, partitions: list[TopicPartition]) -> None:
        partitions = self._with_followers(partitions)
        log.warning("partitions lost", extra={"partitions": _names(partitions)})
        self._rejoin.lost()
        self._owner.call(self._reader.lost, partitions)
        self._unassign(partitions)

    def _unassign(self, partitions: list[TopicPartition]) -> None:
        """librdkafka would keep what is paused so until we have it again, for the reader to wait in vain."""
        paused = self._paused & {_key(each) for each in partitions}
        self._consumer.resume(_partitions(paused))
        self._paused -= paused
        self.batches.incremental_unassign(partitions)

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        self._owner.post(self._reader.committed, error, partitions)


def _key(partition: TopicPartition) -> Place:
    return partition.topic, partition.partition


def _partitions(places: Iterable[Place]) -> list[TopicPartition]:
    return [TopicPartition(*each) for each in places]


def _names(partitions: list[TopicPartition]) -> list[str]:
    return [f"{each.topic}/{each.partition}" for each in partitions]
