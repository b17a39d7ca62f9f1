"""Reading the memory of a partition back from the alerts topic."""

import logging
import threading
import time
from collections import deque
from typing import NamedTuple

from confluent_kafka import TopicPartition

from sightline.alerts import records
from sightline.alerts.decide import cooldown_key
from sightline.alerts.memory import Memory
from sightline.alerts.records import Alert
from sightline.alerts.rules import Rules
from sightline.io.clients import Consumer, Silence
from sightline.io.kafka import Brokers, reader_config

log = logging.getLogger(__name__)

_BATCH = 5_000
_TIMEOUT_S = 10.0
_SLACK_S = 60
"""An event's time may be ahead of its alert's record by what clocks differ; DESIGN allows an event 10 s."""


class Remembered(NamedTuple):
    """`newest` are the last alerts of the partition, oldest first, for the feed."""

    memory: Memory
    newest: list[Alert]


class MemoryReader:
    """Reads one partition at a time, by a client that is kept: a new one takes its time to know the brokers.

    Raises KafkaException where the broker can't be asked.
    """

    def __init__(
        self, brokers: Brokers, topic: str, rules: Rules, horizon_s: int, ids_max: int, newest_max: int
    ) -> None:
        self._config, self._topic, self._rules = reader_config(brokers), topic, rules
        self._horizon_us, self._ids_max, self._newest_max = horizon_s * 1_000_000, ids_max, newest_max
        self.cancelled = threading.Event()
        self._consumer: Consumer | None = None

    def close(self) -> None:
        """Once nothing is read any more."""
        if self._consumer is not None:
            self._consumer.close()

    def read(self, partition: int) -> Remembered | None:
        """All alerts of the horizon up to the end seen at the call; None when cancelled."""
        now_us = time.time_ns() // 1000
        memory = Memory(self._horizon_us, self._ids_max, self._rules.cooldown_us_max)
        newest: deque[Alert] = deque(maxlen=self._newest_max)
        consumer = self._consumer = self._consumer or Consumer(self._config, seldom=True)
        silence = Silence(consumer)
        try:
            start, end = self._range(consumer, partition, now_us)
            position = start
            if start < end:
                consumer.assign([TopicPartition(self._topic, partition, start)])
            while position < end:
                if self.cancelled.is_set():
                    return None
                messages = consumer.consume(_BATCH, 0.1)
                silence.heard(messages)
                for message in messages:
                    if message.error():
                        log.warning("reading the memory: %s", message.error().str())
                        continue
                    self._remember(memory, newest, message, now_us)
                if (now := consumer.position([TopicPartition(self._topic, partition)])[0].offset) >= 0:
                    position = now
        finally:
            consumer.unassign()
        log.info("memory read", extra={"partition": partition, "records": end - start, "alerts": len(memory)})
        return Remembered(memory, list(newest))

    def _range(self, consumer: Consumer, partition: int, now_us: int) -> tuple[int, int]:
        """From the first record that may be within the horizon to the end."""
        reach_us = self._horizon_us + self._rules.cooldown_us_max + _SLACK_S * 1_000_000
        since = TopicPartition(self._topic, partition, max(0, (now_us - reach_us) // 1000))
        low, end = consumer.get_watermark_offsets(TopicPartition(self._topic, partition), timeout=_TIMEOUT_S)
        found = consumer.offsets_for_times([since], timeout=_TIMEOUT_S)[0]
        return max(low, found.offset) if found.offset >= 0 else end, end

    def _remember(self, memory: Memory, newest: deque[Alert], message, now_us: int) -> None:  # type: ignore[no-untyped-def]
        try:
            alert = records.decode(message.value(), message.headers())
        except ValueError as error:
            log.warning("a record of the alerts topic is not an alert: %s", error, extra={"offset": message.offset()})
            return
        rule = self._rules.by_name.get(alert.rule)
        key = cooldown_key(rule, alert.columns) if rule else None
        memory.remember(alert.id, alert.time_us, key, now_us)
        newest.append(alert)
