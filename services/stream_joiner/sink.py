"""What leaves the joiner: matches to the pipeline's sink, and bad records to the dead-letter topic."""

import logging
from collections.abc import Callable
from typing import NamedTuple

from confluent_kafka import KafkaError, Message, Producer

from sightline.io.kafka import producer_config
from sightline.offsets import Slot

log = logging.getLogger(__name__)


class Output(NamedTuple):
    """One record to produce."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


class Sink:
    """Use it from the event loop only: acknowledgements are handled there, by `poll`."""

    def __init__(self, bootstrap_servers: str, failed: Callable[[Exception], None]) -> None:
        self._producer = Producer(producer_config(bootstrap_servers))
        self._failed = failed

    def release(self, slots: list[Slot[Output]]) -> None:
        """Produce the outputs of finished records, in their order; each acknowledgement goes to its slot."""
        for slot in slots:
            for output in slot.outputs or ():
                self.send(output, slot.acknowledge)

    def send(self, output: Output, acknowledged: Callable[[], None] = lambda: None) -> None:
        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is None:
                acknowledged()
            else:
                # Retries are librdkafka's and have no limit; what arrives here can't be mended by waiting.
                self._failed(RuntimeError(f"producing to {output.topic!r} failed: {error.str()}"))

        while True:
            try:
                self._producer.produce(
                    output.topic, output.value, output.key, headers=output.headers, on_delivery=delivered
                )
                return
            except BufferError:
                self._producer.poll(0.01)

    def poll(self) -> None:
        self._producer.poll(0)

    def flush(self, timeout_s: float) -> int:
        """Wait for acknowledgements; returns how many are missing."""
        return int(self._producer.flush(timeout_s))
