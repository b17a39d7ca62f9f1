"""From the thread that decides to the event loop that sends: the one hand-over on an alert's way."""

import asyncio
import threading
from collections.abc import Callable, Sequence

from services.alerting.entry import Entry

_SENT_S_MAX = 0.005


class HandOver:
    """Call it from the deciding thread: it returns when the loop has begun to write to every subscriber.

    Only one thread at a time runs Python. If the deciding thread went on at once, with producing and counting, the loop
    would be awake and waiting for it, 0.2 ms of the alert's time; so it waits for the loop, at most _SENT_S_MAX.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, publish: Callable[[Sequence[Entry]], object]) -> None:
        self._loop, self._publish = loop, publish
        self._sent = threading.Event()

    def __call__(self, entries: Sequence[Entry]) -> None:
        self._sent.clear()
        self._loop.call_soon_threadsafe(self._take, entries)
        self._sent.wait(_SENT_S_MAX)

    def _take(self, entries: Sequence[Entry]) -> None:
        self._publish(entries)
        self._loop.call_soon(self._sent.set)  # runs after the subscribers that `publish` woke
