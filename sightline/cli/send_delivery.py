"""Records to Kafka, each acknowledged before the command ends."""

import sys
import time
from typing import TYPE_CHECKING, Any

from sightline.cli.kafka_options import ASK_S, NotThereError, Patient
from sightline.errors import SightlineError

if TYPE_CHECKING:
    from sightline.io.brokers import Brokers

SAY_EVERY_S = 5.0
QUEUE_POLL_S = 0.1


class RefusedError(SightlineError):
    """Kafka does not take a record."""


class Delivery:
    """`unit` is what is counted, such as "events". Waits for the brokers and the topic first."""

    def __init__(self, brokers: "Brokers", topic: str, unit: str, timeout_s: float) -> None:
        from sightline.io import clients
        from sightline.io.kafka import describe, producer_config

        self._topic, self._unit, self._timeout_s = topic, unit, timeout_s
        Patient(brokers, timeout_s).ask(lambda client: describe(client, [topic], ASK_S))
        self._producer = clients.Producer(producer_config(brokers))
        self._refused: str | None = None
        self._say_due_s = time.monotonic() + SAY_EVERY_S
        self.acknowledged = 0
        self.places: list[str] = []
        """Of the newest records: topic/partition offset."""

    def send(self, key: str | None, value: bytes, headers: Any = None) -> None:
        """Raises RefusedError for an earlier one, and waits where the client's queue is full."""
        while True:
            try:
                self._producer.produce(self._topic, value, key, headers=headers, on_delivery=self._delivered)
                break
            except BufferError:
                self.serve(QUEUE_POLL_S)
        self.serve(0)

    def serve(self, wait_s: float) -> None:
        """Takes acknowledgements, and says how far it is now and then."""
        self._producer.poll(wait_s)
        if self._refused:
            raise RefusedError(f"topic {self._topic!r}: {self._refused}")
        if time.monotonic() > self._say_due_s:
            self._say_due_s += SAY_EVERY_S
            print(f"{self.acknowledged} {self._unit} sent", file=sys.stderr, flush=True)

    def finish(self) -> None:
        """Raises NotThereError if Kafka has not acknowledged everything in time."""
        left = self._producer.flush(self._timeout_s)
        self.serve(0)
        if left:
            raise NotThereError(f"{left} {self._unit} were not acknowledged in {self._timeout_s:g} s")

    def _delivered(self, error: Any, message: Any) -> None:
        if error is not None:
            self._refused = self._refused or error.str()
            return
        self.acknowledged += 1
        self.places = [*self.places[-9:], f"{self._topic}/{message.partition()} offset {message.offset()}"]
