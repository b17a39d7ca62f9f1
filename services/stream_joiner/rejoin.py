"""Notices a consumer that lost its group and does not find back although Kafka answers.

Seen once with librdkafka 2.16, after a broker had gone away for longer than the session time-out and come back at
another address: the consumer went on polling without partitions, and its log repeated that a request to the group's
coordinator had timed out unsent. A restart gives a new consumer.
"""

import time
from collections.abc import Callable

from confluent_kafka import KafkaException

from sightline.errors import SightlineError

ASK_S = 1.0
"""Between two questions to Kafka."""

REJOIN_S_MAX = 30.0
"""Joining takes a second or two, and longer while another member drains what it gives up (`drain_ms_max`)."""


class GroupLostError(SightlineError):
    """The consumer did not find back to its group. A restart helps."""


class Rejoin:
    """For the polling thread. `ask` is a short question to Kafka that raises KafkaException if it is not answered."""

    def __init__(self, ask: Callable[[], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._clock = ask, clock
        self._lost = False
        self._due_s = 0.0
        self._answers_since_s: float | None = None

    def lost(self) -> None:
        self._lost, self._answers_since_s = True, None
        self._due_s = self._clock() + ASK_S

    def joined(self) -> None:
        self._lost = False

    def check(self) -> None:
        """Raises GroupLostError once Kafka has answered for REJOIN_S_MAX seconds on end and the group is still lost."""
        if not self._lost or (now_s := self._clock()) < self._due_s:
            return
        try:
            self._ask()
        except KafkaException:
            self._answers_since_s = None
        else:
            if self._answers_since_s is None:
                self._answers_since_s = now_s
            if now_s - self._answers_since_s >= REJOIN_S_MAX:
                raise GroupLostError(f"no partitions for {REJOIN_S_MAX:.0f} s though Kafka answers; a restart helps")
        self._due_s = self._clock() + ASK_S
