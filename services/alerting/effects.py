"""Producing alerts and dead letters, and what their acknowledgements mean."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, Message

from services.alerting.decider import Outcome
from services.alerting.lease import PRODUCER_SHARE, Lease
from services.alerting.parts import Parts, Places
from sightline.alerts import records
from sightline.deadletters import DeadLetter, dead_letter
from sightline.events import Origin, Reason, Refusal
from sightline.io import clients
from sightline.io.kafka import producer_config
from sightline.offsets import Slot

log = logging.getLogger(__name__)

_CLOSE_SLACK_S = 1.0


class Effects:
    """`lose` is called when a record could not be delivered: whether it is in the topic is then unknown."""

    def __init__(self, parts: Parts, places: Places, lease: Lease, lose: Callable[[str], None]) -> None:
        settings = parts.settings
        self._parts, self._places, self._settings, self._lose = parts, places, settings, lose
        self._lease = lease
        self._timeout_ms = round(settings.session_timeout_ms * PRODUCER_SHARE)
        config = producer_config(settings.brokers)
        self._producer = clients.Producer(config | {"message.timeout.ms": self._timeout_ms})

    def apply(self, outcome: Outcome) -> None:
        """Its slot is done when all it produces is acknowledged."""
        if outcome.refusal is not None:
            outcome.slot.finish([None])
            self._refuse(outcome.message, outcome.slot, outcome.refusal)
            return
        outcome.slot.finish(list(outcome.entries))
        for entry in outcome.entries:
            value, headers = records.encode(entry.alert)
            self._produce(
                partial(self._alert_delivered, outcome.message, outcome.slot),
                topic=self._settings.alerts_topic,
                partition=outcome.message.partition(),
                key=outcome.message.key(),
                value=value,
                headers=headers,
            )

    def poll(self, timeout_s: float = 0) -> None:
        """Serve acknowledgements."""
        self._producer.poll(timeout_s)

    def close(self) -> None:
        """What has not been sent is dropped; what has been is waited for, so that the next memory includes it."""
        self._producer.purge(in_queue=True, in_flight=False)
        self._producer.flush(self._timeout_ms / 1e3 + _CLOSE_SLACK_S)

    def _refuse(self, message: Message, slot: Slot[Any], refusal: Refusal) -> None:
        topic, partition = message.topic(), message.partition()
        pipeline = self._parts.topics[topic]
        log.warning(
            "match refused: %s",
            refusal.detail,
            extra={"reason": refusal.reason, "topic": topic, "partition": partition, "offset": message.offset()},
        )
        self._parts.metrics.dead_letter(pipeline, refusal.reason)
        origin = Origin(*self._places[topic], topic, partition, message.offset())
        letter = dead_letter(message.key(), message.value(), message.headers(), refusal, origin, pipeline)
        self._send_letter(letter, slot)

    def _send_letter(self, letter: DeadLetter, slot: Slot[Any]) -> None:
        self._produce(
            partial(self._letter_delivered, letter, slot),
            topic=self._settings.dead_letter_topic,
            key=letter.key,
            value=letter.value,
            headers=letter.headers,
        )

    def _alert_delivered(self, message: Message, slot: Slot[Any], error: KafkaError | None, _: Message) -> None:
        if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            self._refuse(message, slot, Refusal(Reason.BAD_MATCH, "its alert is larger than the alerts topic allows"))
        else:
            self._delivered(slot, error)

    def _letter_delivered(self, letter: DeadLetter, slot: Slot[Any], error: KafkaError | None, _: Message) -> None:
        if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE and letter.value is not None:
            self._send_letter(letter._replace(value=None), slot)  # sl_origin says where it lies
        else:
            self._delivered(slot, error)

    def _delivered(self, slot: Slot[Any], error: KafkaError | None) -> None:
        if error is None:
            slot.acknowledge()
        else:
            self._lose(f"a record was not acknowledged: {error.str()}")

    def _produce(self, on_delivery: Callable[..., None], **record: Any) -> None:
        while True:
            self._lease.beat()  # as close to the producer as can be
            try:
                self._producer.produce(on_delivery=on_delivery, **record)
                return
            except BufferError:
                self._producer.poll(0.01)
