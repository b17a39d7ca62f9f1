"""Whether this instance may still act for its partitions, judged by its own clock alone.

Kafka gives our partitions away when it has not heard from us for the session time-out. A process that was stopped and
goes on does not know yet; whatever it has in hand may be alerted by somebody else already. So whoever acts says so
often (`beat`, at least each POLL_S_MAX), and a gap of a third of the session time-out ends the session: what is in
hand is dropped, and the group joined anew. Together with the producer's time-out (PRODUCER_SHARE) an alert
leaves us within 5/6 of the session time-out after our last sign of life, or never.
"""

import time
from collections.abc import Callable

from services.alerting.errors import SessionLostError

GAP_SHARE = 1 / 3
PRODUCER_SHARE = 1 / 2
POLL_S_MAX = 0.1


class Lease:
    def __init__(self, session_timeout_ms: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._gap_s_max = session_timeout_ms / 1e3 * GAP_SHARE
        self._clock = clock
        self._beat_s = clock()

    def beat(self) -> None:
        """Raises SessionLostError if the last beat is too long ago."""
        now_s = self._clock()
        gap_s = now_s - self._beat_s
        if gap_s > self._gap_s_max:
            raise SessionLostError(f"this process stood still for {gap_s:.1f} s, allowed are {self._gap_s_max:.1f} s")
        self._beat_s = now_s
