"""One featurizer as a caller sees it: a channel to its address, made anew when our certificate was renewed."""

import asyncio
import contextlib
import logging

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.stream_joiner.settings import Settings
from sightline.proto import featurizer_pb2 as pb
from sightline.proto import featurizer_pb2_grpc

log = logging.getLogger(__name__)

CHECK_S = 2.0
RETRY_S = 0.2


def _options(settings: Settings) -> list[tuple[str, int | str]]:
    return [
        ("grpc.max_send_message_length", settings.message_bytes_max),
        ("grpc.max_receive_message_length", settings.message_bytes_max),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        # A peer that vanished without a word (a lost node) is noticed by unanswered pings in 6 s at most, and in 3 s
        # by what was sent to it. The server allows a ping a second.
        ("grpc.keepalive_time_ms", 3_000),
        ("grpc.keepalive_timeout_ms", 3_000),
        ("grpc.http2.ping_timeout_ms", 3_000),  # else a ping of gRPC's own, in flight just then, is waited for 60 s
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.use_local_subchannel_pool", 1),
        # A photograph in one write to the socket instead of several.
        ("grpc.http2.max_frame_size", 1 << 20),
        ("grpc.experimental.tcp_read_chunk_size", 256 << 10),
    ]


class Server:
    def __init__(self, address: str, host: str, settings: Settings) -> None:
        self._address, self._host, self._settings = address, host, settings
        self._tls = None if address.startswith("unix:") else settings.featurizer_tls
        self._files: tuple[bytes | None, ...] = ()
        self._channel: grpc.aio.Channel | None = None
        self._stub: featurizer_pb2_grpc.FeaturizerStub

    async def wait_until_serving(self) -> None:
        """A server listens while it loads its models: its health decides. Each reason to wait is logged once."""
        said = ""
        while (why := await self._trouble()) is not None:
            if why != said:
                tls_name = (self._tls.name or self._host) if self._tls else None
                extra = {"address": self._address, "tls_name": tls_name, "why": why}
                log.warning("featurizer is not ready", extra=extra)
                said = why
            await asyncio.sleep(RETRY_S)

    async def list_models(self) -> list[pb.Model] | None:
        """None if it does not answer."""
        with contextlib.suppress(grpc.aio.AioRpcError):
            return list((await self._stub.ListModels(pb.ListModelsRequest(), timeout=CHECK_S)).models)
        return None

    def predict(self) -> "grpc.aio.StreamStreamCall[pb.PredictRequest, pb.PredictResponse]":
        return self._stub.Predict()

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()

    async def _trouble(self) -> str | None:
        try:
            await self._connect()
            assert self._channel is not None
            stub = health_pb2_grpc.HealthStub(self._channel)
            health = await stub.Check(health_pb2.HealthCheckRequest(), timeout=CHECK_S)
        except grpc.aio.AioRpcError as error:
            return str(error.details() or error.code().name)
        except OSError as error:
            return f"{error.filename}: {error.strerror}"
        serving = health_pb2.HealthCheckResponse.SERVING
        return None if health.status == serving else "it is loading its models"

    async def _connect(self) -> None:
        """Raises OSError if a file of ours can't be read."""
        files = self._tls.read() if self._tls else ()
        if self._channel is not None and files == self._files:
            return
        await self.close()
        self._files = files
        if self._tls is None:
            self._channel = grpc.aio.insecure_channel(self._address, options=_options(self._settings))
        else:
            self._channel = self._tls.channel(
                grpc.aio.secure_channel, self._address, self._host, _options(self._settings)
            )
        self._stub = featurizer_pb2_grpc.FeaturizerStub(self._channel)  # type: ignore[no-untyped-call]
