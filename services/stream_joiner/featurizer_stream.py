"""One stream to one featurizer: opened again whenever it ends, until it is retired."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.stream_joiner.outcomes import Record
from services.stream_joiner.settings import Settings
from sightline.proto import featurizer_pb2 as pb
from sightline.proto import featurizer_pb2_grpc
from sightline.query.plan import ModelCall

log = logging.getLogger(__name__)

RECONNECT_S = 0.2


class _Sent(NamedTuple):
    records: list[Record]
    trial: bool


def _options(settings: Settings) -> list[tuple[str, int | str]]:
    return [
        ("grpc.max_send_message_length", settings.message_bytes_max),
        ("grpc.max_receive_message_length", settings.message_bytes_max),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        # A peer that vanished without a word (a lost node) is noticed by unanswered pings.
        ("grpc.keepalive_time_ms", 10_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.use_local_subchannel_pool", 1),
        # A photograph in one write to the socket instead of several.
        ("grpc.http2.max_frame_size", 1 << 20),
        ("grpc.experimental.tcp_read_chunk_size", 256 << 10),
    ]


class Stream:
    """`answered(records, response, trial)` and `died(records, trial)` say what became of what was sent."""

    def __init__(
        self,
        address: str,
        settings: Settings,
        model: ModelCall,
        answered: Callable[[list[Record], pb.PredictResponse, bool], None],
        died: Callable[[list[Record], bool], None],
        opened: Callable[[], None],
    ) -> None:
        self.address, self.open = address, False
        self._settings, self._model = settings, model
        self._answered, self._died, self._opened = answered, died, opened
        self._channel = grpc.aio.insecure_channel(address, options=_options(settings))
        self._stub = featurizer_pb2_grpc.FeaturizerStub(self._channel)  # type: ignore[no-untyped-call]
        self._health = health_pb2_grpc.HealthStub(self._channel)
        self._sent: dict[int, _Sent] = {}
        self._outbox: asyncio.Queue[pb.PredictRequest] = asyncio.Queue()
        self._next_id = 0
        self._retired = False
        self.in_flight = 0
        self._task = asyncio.create_task(self._run())

    @property
    def on_trial(self) -> bool:
        """A group of suspects is on this stream: send nothing beside it."""
        return any(each.trial for each in self._sent.values())

    def send(self, records: list[Record], trial: bool = False) -> None:
        self._next_id += 1
        self._sent[self._next_id] = _Sent(records, trial)
        self.in_flight += len(records)
        request = pb.PredictRequest(
            request_id=self._next_id,
            model=self._model.model,
            top_k=self._model.top_k,
            timeout_ms=self._settings.request_timeout_ms,
            images=[record.image for record in records],
        )
        self._outbox.put_nowait(request)

    async def list_models(self) -> list[pb.Model] | None:
        """None while the server does not answer, or is not ready to serve."""
        with contextlib.suppress(grpc.aio.AioRpcError):
            health = await self._health.Check(health_pb2.HealthCheckRequest(), timeout=2)
            if health.status != health_pb2.HealthCheckResponse.SERVING:
                return None
            return list((await self._stub.ListModels(pb.ListModelsRequest(), timeout=2)).models)
        return None

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
        await self._channel.close()

    async def _run(self) -> None:
        try:
            while not self._retired:
                try:
                    await self._one_connection()
                except grpc.aio.AioRpcError as error:
                    log.warning("featurizer stream ended", extra={"address": self.address, "why": error.details()})
                self._lost()
                await asyncio.sleep(RECONNECT_S)
        finally:
            await self._channel.close()

    async def _one_connection(self) -> None:
        await self._channel.channel_ready()
        self._outbox = asyncio.Queue()
        call = self._stub.Predict()
        async with self._writing(call):
            self.open = True
            log.info("featurizer stream open", extra={"address": self.address})
            self._opened()
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
            self.open = False
        sent = self._sent.pop(response.request_id, None)
        if sent is not None:
            self.in_flight -= len(sent.records)
            self._answered(sent.records, response, sent.trial)
        if self._retired and not self._sent:
            self._task.cancel()

    def _lost(self) -> None:
        """Whatever was in flight is suspect: one group for the whole connection."""
        lost, self._sent, self.in_flight = list(self._sent.values()), {}, 0
        if lost:
            self._died([record for each in lost for record in each.records], lost[0].trial)
