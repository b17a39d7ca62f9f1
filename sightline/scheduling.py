"""Threads that wait their turn: when they wake they take no processor from a thread that runs (Linux' SCHED_BATCH).

Others do (https://man7.org/linux/man-pages/man7/sched.7.html). Where Kafka's client sends in a thread of its own, the
first of some records wakes it, and it interrupts the thread that hands over the others: that one record goes in a
request alone, and the others wait for its answer. The price: one that is woken on a processor where something computes
for long waits until that one's turn ends, some milliseconds. Where the system knows no such threads, or does not allow
them, nothing changes.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def waiting_their_turn() -> Iterator[None]:
    """This thread within, and for good those that it starts there. A thread with a policy of its own keeps it."""
    if sys.platform != "linux" or os.sched_getscheduler(0) != os.SCHED_OTHER:
        yield
        return
    _follow(os.SCHED_BATCH)
    try:
        yield
    finally:
        _follow(os.SCHED_OTHER)


def _follow(policy: int) -> None:
    with suppress(OSError):
        os.sched_setscheduler(0, policy, os.sched_param(0))
