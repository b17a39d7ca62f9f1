"""Notices a consumer that lost its group and does not find back, so that a new one can take its place.

Seen with librdkafka 2.16, after a broker had gone away for longer than the session time-out and come back at another
address:

- The consumer went on polling without partitions though Kafka answered, and its log repeated that a request to the
  group's coordinator had timed out unsent.
- A commit that waits for the broker is sent before the consumer has joined again, without a member id. To the broker
  it comes from another instance of our `group.instance.id`, and that it says so is a fatal error to the consumer.
"""

import threading
import time
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException

from sightline.errors import SightlineError
from sightline.io.batches import BatchConsumer

ASK_S = 1.0
"""Between two questions to Kafka."""

REJOIN_S_MAX = 30.0
"""Joining takes a second or two, and longer while another member drains what it gives up (`drain_ms_max`)."""

TRIES_MAX = 3
"""New consumers one after the other, none of which got into the group."""


class GroupLostError(SightlineError):
    """The consumer did not find back to its group. A new one may."""


class Rejoin:
    """For the polling thread. `ask` is a short question to Kafka that raises KafkaException if it is not answered."""

    def __init__(self, ask: Callable[[], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._clock = ask, clock
        self._lost = False
        self._due_s = 0.0
        self._answers_since_s: float | None = None
        self._lost_s: float | None = None
        self._tries = 0

    def lost(self) -> None:
        self._lost, self._answers_since_s = True, None
        self._lost_s = self._clock()
        self._due_s = self._lost_s + ASK_S

    def joined(self) -> None:
        self._lost, self._tries = False, 0

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
                raise GroupLostError(f"no partitions for {REJOIN_S_MAX:.0f} s though Kafka answers")
        self._due_s = self._clock() + ASK_S

    def excuses(self, error: GroupLostError | KafkaException) -> bool:
        """Whether a new consumer may help; then one is expected to be made.

        A fatal error without a loss shortly before has another reason: an instance of our name that is alive.
        """
        if isinstance(error, KafkaException):
            recent = self._lost_s is not None and self._clock() - self._lost_s < REJOIN_S_MAX
            if not (is_fatal(error.args[0]) and recent):
                return False
        self._tries += 1
        return self._tries <= TRIES_MAX


def is_fatal(error: KafkaError) -> bool:
    """What the consumer's queue brings is not marked so, it only has the code."""
    return bool(error.fatal()) or error.code() == KafkaError._FATAL


def leave_behind(batches: BatchConsumer) -> None:
    """Close it without waiting for that: where its broker is silent it takes long."""
    threading.Thread(target=batches.close, name="leaving the group", daemon=True).start()
