"""The life of a service: starting, ready, draining, gone. Health is this state and nothing else.

    settings -> parts -> ready -> SIGTERM or SIGINT -> draining -> parts closed -> exit code

A second signal while draining ends the process at once.
"""

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeVar

import uvloop

from services.common.logging import configure
from services.common.pulse import Pulse
from services.common.settings import ServiceSettings
from sightline.errors import ConfigError

log = logging.getLogger(__name__)

T = TypeVar("T")

EXIT_CONFIG = 2
EXIT_FAILED = 1


class State(StrEnum):
    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class Lifecycle:
    """Shared by the parts of one service; use it from the event loop only."""

    def __init__(self, silent_s_max: float = 120.0) -> None:
        self.state = State.STARTING
        self.waiting_for = "start"
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None
        self._silent_s_max = silent_s_max
        self._pulses: list[Pulse] = []

    def pulse(self, name: str) -> Pulse:
        """Of a thread that does the work; /healthz looks at it."""
        made = Pulse(name)
        self._pulses.append(made)
        return made

    @property
    def hanging(self) -> str | None:
        """The thread that has not come round for too long: only a restart can help."""
        for each in self._pulses:
            if (silent_s := each.silent_s) > self._silent_s_max:
                return f"{each.name} has not come round for {silent_s:.0f} s"
        return None

    def waiting(self, what: str) -> None:
        """Say in /readyz what start-up is waiting for."""
        self.waiting_for = what

    def ready(self) -> None:
        """Everything is loaded and warm. Objects made so far live on: keep the collector from walking them again."""
        if self.state is State.STARTING:
            gc.collect()
            gc.freeze()
            # What an event leaves behind has no cycles: look for them seldom.
            gc.set_threshold(20_000, 20, 20)
            self.state = State.READY
            log.info("ready")

    def drain(self) -> None:
        if self.state is State.DRAINING:
            log.warning("second signal: ending without draining")
            logging.shutdown()
            os._exit(EXIT_FAILED)  # an exception would still wait for worker threads
        log.info("draining")
        self.state = State.DRAINING
        self._stop.set()

    def fail(self, error: BaseException) -> None:
        """A part can't go on: drain and end with exit code 1."""
        log.error("failed", exc_info=error)
        self._failure = self._failure or error
        self._stop.set()

    async def unless_stopped(self, work: Awaitable[T]) -> T | None:
        """The result of start-up work; None if a signal came first, which cancels the work."""
        task = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        if self._failure:
            raise self._failure
        return None if task.cancelled() else task.result()

    async def until_stopped(self) -> None:
        """Returns on a signal; raises the error that was given to `fail`."""
        await self._stop.wait()
        if self._failure:
            raise self._failure


def run(serve: Callable[[Lifecycle], Awaitable[None]], settings: ServiceSettings) -> None:
    """Run a service to its end and leave with its exit code."""
    configure(settings.log_level)

    async def main() -> None:
        lifecycle = Lifecycle(settings.silent_s_max)
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sig, lifecycle.drain)
        await serve(lifecycle)

    try:
        uvloop.run(main())
    except ConfigError as error:
        log.error(str(error))
        raise SystemExit(EXIT_CONFIG) from None
    except Exception:
        log.exception("ended by an error")
        raise SystemExit(EXIT_FAILED) from None
    log.info("stopped")
