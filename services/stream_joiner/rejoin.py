"""Says when a consumer that ended with a fatal error may be replaced by a new one, in the same process.

librdkafka 2.16 keeps commits back while the group's coordinator is away, and sends them before it has joined again,
without a member id. To the broker such a commit comes from another instance of our `group.instance.id`, and that it
says so is a fatal error to the consumer. It only comes shortly after partitions were lost.
"""

import time
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException

REJOIN_S_MAX = 30.0
"""Joining takes a second or two, and longer while another member drains what it gives up (`drain_ms_max`)."""

TRIES_MAX = 3
"""New consumers one after the other, none of which got into the group."""


class Rejoin:
    """For the polling thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lost_s = float("-inf")
        self._tries = 0

    def lost(self) -> None:
        self._lost_s = self._clock()

    def joined(self) -> None:
        self._tries = 0

    def excuses(self, error: KafkaException) -> bool:
        """Whether a new consumer may help; then one is expected to be made.

        A fatal error without a loss shortly before has another reason: an instance of our name that is alive.
        """
        if not is_fatal(error.args[0]) or self._clock() - self._lost_s > REJOIN_S_MAX:
            return False
        self._tries += 1
        return self._tries <= TRIES_MAX


def is_fatal(error: KafkaError) -> bool:
    """What the consumer's queue brings is not marked so, it only has the code."""
    return bool(error.fatal()) or error.code() == KafkaError._FATAL
