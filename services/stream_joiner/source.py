"""Records from Kafka: the thread that polls, and hands over what has arrived.

One record is waited for, then whatever else has arrived is taken without waiting: nothing waits for a batch to fill.
Only above a thousand polls a second there is a moment between them.

confluent-kafka lets one thread at a time into a consumer, and a poll holds it: a call from elsewhere would stop there
for as long as the poll lasts. So this thread alone touches the consumer, and others give it work by `later`.
"""

import logging
import threading
import time
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from services.common.pulse import Pulse
from services.stream_joiner.membership import Member, Subscription
from services.stream_joiner.owner import Owner
from services.stream_joiner.reader import Reader
from services.stream_joiner.rejoin import is_fatal
from services.stream_joiner.sink import Work
from sightline.scheduling import waiting_their_turn

log = logging.getLogger(__name__)

POLL_S = 0.05
"""The longest that a commit or a pause waits for an idle poll to end."""

TICK_S = 0.01
"""How often what waits for time to pass is looked at, where something is pressing; else every `POLL_S`."""

GATHER_S = 0.00025
"""A round of poll, join and produce costs about as much for five records as for one. At 10,000 records a second on two
cores this saves a sixth of our CPU, and requests to the broker: p99 is lower for it. Twice as long saves a quarter, and
both p50 and p99 are higher."""

GATHER_WITHIN_S = 0.001
"""Records that come further apart than this are not waited for."""

GATHER_RECORDS_MAX = 100


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
        self._owner, self._failed, self._pulse = owner, failed, pulse
        self._records_max = subscription.records_max
        self._stopping = threading.Event()
        self._ticked_s = self._received_s = 0.0
        self._member = Member(subscription, owner, pulse, self._on_error)
        self.reader: Reader

    def later(self, work: Work) -> None:
        """Call `work` with the consumer between two polls."""
        self._member.later(work)

    def stop(self) -> None:
        """Leave the group, which revokes and so drains the partitions. Blocks until that is done."""
        self._stopping.set()
        self.join()

    def run(self) -> None:
        try:
            # What fetches records and wakes this thread asks for the next ones first.
            with waiting_their_turn():
                self._run()
        except Exception as error:
            self._failed(error)

    def _run(self) -> None:
        self._member.join(self.reader)
        while not self._stopping.is_set():
            self._pulse.rest()  # a transaction waits for Kafka for as long as that is away
            self._member.do_work()
            self._pulse.beat()
            try:
                self._poll()
            except KafkaException as error:
                if not self._member.joins_anew(error):
                    raise
        self._pulse.rest()
        self._member.leave()

    def _poll(self) -> None:
        self._member.pause_and_resume()
        due_s = self._ticked_s + (TICK_S if self.reader.busy else POLL_S)
        batches = self._member.batches.poll(max(0.0, due_s - time.monotonic()), self._records_max)
        now_s = time.monotonic()
        if batches:
            self._owner.post(self.reader.received, batches)
            self._gather(sum(map(len, batches)), now_s)
        if now_s >= due_s:
            self._ticked_s = now_s
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
            self._member.seek_again(partition)
        elif is_fatal(error):
            raise KafkaException(error)
        else:
            log.warning("kafka", extra={"why": error.str()})
