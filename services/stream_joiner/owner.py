"""Which thread the engine belongs to.

A pipeline with a model lives on the event loop, where the featurizer's answers arrive. Any other lives in the thread
that polls Kafka: a record then goes from poll to produce without a hand-over.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

HANDED_OVER_MAX = 4


class Owner(Protocol):
    """How the polling thread reaches the engine."""

    def post(self, function: Callable[..., object], *arguments: Any) -> None:
        """Calls it soon, after what was posted before."""

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Calls it and returns its result, after what was posted before."""
        ...


class PollingThread:
    """The engine belongs to the caller."""

    def post(self, function: Callable[..., object], *arguments: Any) -> None:
        function(*arguments)

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        return function(*arguments)


class EventLoop:
    """The engine belongs to the loop that runs where this is made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        # Bounds what is polled and not yet looked at, while the loop is busy.
        self._handed_over = threading.BoundedSemaphore(HANDED_OVER_MAX)

    def post(self, function: Callable[..., object], *arguments: Any) -> None:
        self._handed_over.acquire()
        self._loop.call_soon_threadsafe(self._run, function, *arguments)

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        async def run() -> T:
            return function(*arguments)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def _run(self, function: Callable[..., object], *arguments: Any) -> None:
        self._handed_over.release()
        function(*arguments)
