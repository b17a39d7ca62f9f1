"""One caller's open stream: one task reads, one writes, none is made for a message."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc

from services.featurizer.scheduler import Job
from sightline.proto import featurizer_pb2 as pb


class Stream:
    """`accept(stream, request)` must lead to one `send` for each request, now or later, on the event loop."""

    def __init__(self, context: Any, requests_max: int, accept: Callable[["Stream", pb.PredictRequest], None]) -> None:
        self._context, self._requests_max, self._accept = context, requests_max, accept
        self._outbox: asyncio.Queue[pb.PredictResponse | None] = asyncio.Queue()
        self._unanswered = 0
        self._room = asyncio.Event()
        self._ending = False
        self.jobs: set[Job] = set()
        """What the schedulers still have of this caller's."""

    async def run(self) -> None:
        """Returns when the caller has closed its side, or `end` was called, and every answer is out."""
        reader = asyncio.create_task(self._read())
        try:
            while (response := await self._outbox.get()) is not None:
                await self._context.write(response)
                if not response.draining:
                    self._answered()
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    def send(self, response: pb.PredictResponse) -> None:
        self._outbox.put_nowait(response)

    def end(self) -> None:
        """Close the stream once everything read so far is answered."""
        self._ending = True
        if not self._unanswered:
            self._outbox.put_nowait(None)

    async def _read(self) -> None:
        try:
            while (request := await self._context.read()) is not grpc.aio.EOF:
                self._unanswered += 1
                self._accept(self, request)
                while self._unanswered >= self._requests_max:
                    # Not reading is what makes the caller stop: HTTP/2's flow control passes it on.
                    self._room.clear()
                    await self._room.wait()
        finally:
            self.end()

    def _answered(self) -> None:
        self._unanswered -= 1
        self._room.set()
        if self._ending and not self._unanswered:
            self._outbox.put_nowait(None)
