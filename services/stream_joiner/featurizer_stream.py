"""One stream to one featurizer: opened again whenever it ends, until it is retired."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from enum import Enum
from typing import NamedTuple

import grpc

from services.stream_joiner.featurizer_server import Server
from services.stream_joiner.records import Asked
from services.stream_joiner.settings import Settings
from sightline.proto import featurizer_pb2 as pb
from sightline.query.planning.nodes import ModelCall

log = logging.getLogger(__name__)

RECONNECT_S = 0.2


class Loss(Enum):
    """How a connection ended with images unanswered."""

    DIED = "died"
    """Perhaps of one of them."""
    VANISHED = "vanished"
    """It fell silent: a lost node or a cut network, or a process that hangs."""
    DRAINED = "drained"
    """It was stopped, after it had said so."""


_SILENCE = ("timed out", "timeout")
"""In the details of an error: unanswered pings, or data that TCP could not deliver."""


class _Sent(NamedTuple):
    records: list[Asked]
    trial: bool


class Stream:
    """To `address`, which is one of `host`'s.

    `answered(records, response, trial)` and `lost(records, trial, loss)` say what became of what was sent.
    `changed()` is called when it has opened, and when a connection has ended with nothing lost.
    """

    def __init__(
        self,
        address: str,
        host: str,
        settings: Settings,
        model: ModelCall,
        answered: Callable[[list[Asked], pb.PredictResponse, bool], None],
        lost: Callable[[list[Asked], bool, Loss], None],
        changed: Callable[[], None],
    ) -> None:
        self.address, self.open = address, False
        self._settings, self._model = settings, model
        self._answered, self._lost, self._changed = answered, lost, changed
        self._server = Server(address, host, settings)
        self._sent: dict[int, _Sent] = {}
        self._outbox: asyncio.Queue[pb.PredictRequest] = asyncio.Queue()
        self._next_id = 0
        self._retired = self._draining = False
        self.in_flight = 0
        self.turn = 0
        """When it was last sent something, counted by whoever sends."""
        self._task = asyncio.create_task(self._run())

    @property
    def on_trial(self) -> bool:
        """A group of suspects is on this stream: send nothing beside it."""
        return any(each.trial for each in self._sent.values())

    def send(self, records: list[Asked], trial: bool = False) -> None:
        self._next_id += 1
        self._sent[self._next_id] = _Sent(records, trial)
        self.in_flight += len(records)
        request = pb.PredictRequest(
            request_id=self._next_id,
            model=self._model.model,
            top_k=self._model.top_k,
            timeout_ms=self._settings.request_timeout_ms,
            images=[record.image for record in records],
            signature="" if self._model.function == "predict" else self._model.function,
        )
        self._outbox.put_nowait(request)

    async def list_models(self) -> list[pb.Model] | None:
        """None while the server does not answer, or is not ready to serve."""
        return await self._server.list_models() if self.open else None

    def retire(self) -> None:
        """Its address is gone from the name: finish what is in flight, send nothing more."""
        self._retired, self.open = True, False
        if not self._sent:
            self._task.cancel()

    async def close(self) -> None:
        self._retired = True
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    @property
    def done(self) -> bool:
        """It was retired and has nothing left to do."""
        return self._task.done()

    async def _run(self) -> None:
        try:
            while not self._retired:
                loss = Loss.DIED
                try:
                    await self._one_connection()
                except grpc.aio.AioRpcError as error:
                    log.warning("featurizer stream ended", extra={"address": self.address, "why": error.details()})
                    if any(each in (error.details() or "").lower() for each in _SILENCE):
                        loss = Loss.VANISHED
                self._give_back(Loss.DRAINED if self._draining else loss)
                await asyncio.sleep(RECONNECT_S)
        finally:
            await self._server.close()

    async def _one_connection(self) -> None:
        await self._server.wait_until_serving()
        self._outbox, self._draining = asyncio.Queue(), False
        call = self._server.predict()
        async with self._writing(call):
            self.open = True
            log.info("featurizer stream open", extra={"address": self.address})
            self._changed()
            while (response := await call.read()) is not grpc.aio.EOF:
                self._receive(response)

    @contextlib.asynccontextmanager
    async def _writing(self, call: grpc.aio.StreamStreamCall) -> AsyncIterator[None]:
        """gRPC allows one write at a time on a stream, so one task does them all."""

        async def write() -> None:
            with contextlib.suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):
                while True:
                    await call.write(await self._outbox.get())

        writer = asyncio.create_task(write())
        try:
            yield
        finally:
            self.open = False
            writer.cancel()
            call.cancel()

    def _receive(self, response: pb.PredictResponse) -> None:
        if response.draining:
            log.info("featurizer is draining", extra={"address": self.address})
            self.open, self._draining = False, True
        sent = self._sent.pop(response.request_id, None)
        if sent is not None:
            self.in_flight -= len(sent.records)
            self._answered(sent.records, response, sent.trial)
        if self._retired and not self._sent:
            self._task.cancel()

    def _give_back(self, loss: Loss) -> None:
        """Whatever was in flight, one group for the whole connection."""
        lost, self._sent, self.in_flight = list(self._sent.values()), {}, 0
        if lost:
            self._lost([record for each in lost for record in each.records], lost[0].trial, loss)
        else:
            self._changed()
