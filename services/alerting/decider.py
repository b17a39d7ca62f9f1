"""From a Kafka record to what is to be done about it."""

import time
from typing import NamedTuple

from confluent_kafka import Message

from services.alerting.assignment import Partition
from services.alerting.entry import Entry
from services.alerting.lease import Lease
from services.alerting.parts import Parts
from sightline import matches
from sightline.alerts import records
from sightline.alerts.decide import Decision, cooldown_key, decide
from sightline.events import Refusal
from sightline.matches import Match
from sightline.offsets import Slot


class Outcome(NamedTuple):
    """Alerts of one match, or why it is refused."""

    message: Message
    slot: Slot[Entry | None]
    entries: list[Entry]
    refusal: Refusal | None = None


class Decider:
    def __init__(self, parts: Parts, lease: Lease) -> None:
        self._rules, self._metrics, self._lease = parts.rules, parts.metrics, lease

    def decide(self, partition: Partition, message: Message, polled_us: int) -> Outcome:
        """Remembers what it alerts. A match of a pipeline without rules is nobody's: it is done."""
        self._lease.beat()
        slot = partition.log.open(message.offset())
        match = matches.decode(message.value(), message.headers())
        if isinstance(match, Refusal):
            return Outcome(message, slot, [], match)
        rules = self._rules.by_pipeline.get(match.pipeline, ())
        if rules:
            self._observe_publish(match, polled_us)
        entries = []
        for rule in rules:
            now_us = time.time_ns() // 1000
            decision = decide(match, rule, partition.remembered, now_us)
            self._metrics.decision[rule.name, decision].inc()
            if decision is Decision.ALERT:
                alert = records.make(match, rule, polled_us, now_us)
                key = cooldown_key(rule, match.columns)
                partition.remembered.remember(alert.id, alert.time_us, key, now_us)
                entry = Entry(alert)
                entry.proto  # noqa: B018  encoded here, so that the event loop only writes
                entries.append(entry)
                self._metrics.event_to_alert[rule.name].observe(max(0, now_us - match.time_us) / 1e6)
                self._metrics.stage[match.pipeline, "alert"].observe(max(0, now_us - polled_us) / 1e6)
        return Outcome(message, slot, entries)

    def _observe_publish(self, match: Match, polled_us: int) -> None:
        publish_us = polled_us - match.match_time_us
        if publish_us < 0:
            self._metrics.clock_skew.inc()
        self._metrics.stage[match.pipeline, "publish"].observe(max(0, publish_us) / 1e6)
