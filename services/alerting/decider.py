"""From a Kafka record to what is to be done about it."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from confluent_kafka import Message

from services.alerting.assignment import Partition
from services.alerting.entry import Entry
from services.alerting.lease import Lease
from services.alerting.parts import Parts
from sightline import matches
from sightline.alerts import records
from sightline.alerts.decide import Decision, cooldown_key, decide
from sightline.alerts.rules import Rule
from sightline.events import Refusal
from sightline.matches import Match
from sightline.offsets import Slot


class Outcome(NamedTuple):
    """Alerts of one match, or why it is refused."""

    message: Message
    slot: Slot[Entry | None]
    entries: list[Entry]
    refusal: Refusal | None = None
    match: Match | None = None
    decisions: Sequence[tuple[Rule, Decision]] = ()


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
        entries, decisions = [], []
        for rule in rules:
            now_us = time.time_ns() // 1000
            decision = decide(match, rule, partition.remembered, now_us)
            decisions.append((rule, decision))
            if decision is Decision.ALERT:
                alert = records.make(match, rule, polled_us, now_us)
                key = cooldown_key(rule, match.columns)
                partition.remembered.remember(alert.id, alert.time_us, key, now_us)
                entry = Entry(alert)
                entry.proto  # noqa: B018  encoded here, so that the event loop only writes
                entries.append(entry)
        return Outcome(message, slot, entries, None, match, decisions)

    def count(self, outcome: Outcome, polled_us: int) -> None:
        """Metrics of a decision, apart from it: by now its alerts are on their way."""
        match = outcome.match
        if match is None or not outcome.decisions:
            return
        publish_us = polled_us - match.match_time_us
        if publish_us < 0:
            self._metrics.clock_skew.inc()
        self._metrics.stage[match.pipeline, "publish"].observe(max(0, publish_us) / 1e6)
        for rule, decision in outcome.decisions:
            self._metrics.decision[rule.name, decision].inc()
        for entry in outcome.entries:
            alert = entry.alert
            self._metrics.event_to_alert[alert.rule].observe(max(0, alert.alert_time_us - alert.time_us) / 1e6)
            self._metrics.stage[match.pipeline, "alert"].observe(alert.stage_us["alert"] / 1e6)
