"""Has thumbnails made by the pictures process, one at a time, and keeps each with its alert."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import msgspec

from services.alerting.entry import Entry, Picture
from services.alerting.pictures import Answer, Request
from sightline.io.brokers import PREFIX, Brokers

log = logging.getLogger(__name__)

_COMMAND = (sys.executable, "-m", "services.alerting.pictures")
_ANSWER_S_MAX = 20.0
_LINE_BYTES_MAX = 1 << 20
_RETRY_S = 1.0
_decoder = msgspec.json.Decoder(Answer)


class Darkroom:
    """Used from the event loop only."""

    def __init__(self, brokers: Brokers, queue_max: int) -> None:
        # By the environment, which holds its secrets: arguments are for everybody to see.
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        self._environment |= brokers.environment()
        self._queue: asyncio.Queue[Entry] = asyncio.Queue(queue_max)
        self._process: asyncio.subprocess.Process | None = None

    def want(self, entries: Sequence[Entry]) -> None:
        """Make their pictures when there is time; what finds the queue full is made when somebody looks."""
        for entry in entries:
            if entry.picture is None and not self._queue.full():
                entry.picture = asyncio.get_running_loop().create_future()
                self._queue.put_nowait(entry)

    async def picture(self, entry: Entry, timeout_s: float) -> Picture | None:
        """The picture or why there is none; None where it isn't ready in time."""
        self.want((entry,))
        if entry.picture is None:
            return None
        await asyncio.wait((entry.picture,), timeout=timeout_s)
        return entry.picture.result() if entry.picture.done() else None

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                entry = await self._queue.get()
                assert entry.picture is not None
                answer = await self._ask(entry)
                future, entry.picture = entry.picture, None
                if answer.failed is not None:
                    log.warning("picture not made: %s", answer.failed)
                    future.cancel()
                    await asyncio.sleep(_RETRY_S)
                else:
                    entry.picture = future
                    future.set_result(Picture(answer.jpeg, answer.gone))
        finally:
            self._kill()

    async def _ask(self, entry: Entry) -> Answer:
        alert = entry.alert
        if alert.origin is None:
            return Answer(gone="a window of events has no picture")
        request = Request(str(alert.origin), alert.event_id, alert.event_source)
        try:
            async with asyncio.timeout(_ANSWER_S_MAX):
                process = self._process or await self._start()
                assert process.stdin is not None and process.stdout is not None
                process.stdin.write(msgspec.json.encode(request) + b"\n")
                await process.stdin.drain()
                return _decoder.decode(await process.stdout.readline())
        except (OSError, TimeoutError, ValueError, msgspec.DecodeError):
            # It hangs on this picture or died of it: the next one gets a fresh process.
            self._kill()
            return Answer(gone="the picture could not be read")

    async def _start(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *_COMMAND, stdin=pipe, stdout=pipe, start_new_session=True, limit=_LINE_BYTES_MAX, env=self._environment
        )
        return self._process

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
        self._process = None


@asynccontextmanager
async def developing(darkroom: Darkroom) -> AsyncIterator[None]:
    """Make pictures while the block runs."""
    task = asyncio.create_task(darkroom.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
