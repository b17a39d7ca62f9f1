"""Signs of life of a thread that does the work, so that /healthz can tell one that hangs."""

import time
from collections.abc import Callable


class Pulse:
    """`beat` and `rest` are for that thread; anybody may look.

    A thread beats whenever it comes round, and rests where it waits for somebody else, for as long as that takes: a
    restart would not help there.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self._clock = name, clock
        self._beat_s: float | None = None

    def beat(self) -> None:
        self._beat_s = self._clock()

    def rest(self) -> None:
        self._beat_s = None

    @property
    def silent_s(self) -> float:
        """Seconds since it last came round; 0 while it rests."""
        beat_s = self._beat_s
        return 0.0 if beat_s is None else self._clock() - beat_s
