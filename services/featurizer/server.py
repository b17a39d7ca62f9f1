"""The gRPC server: where it listens, the standard health service, reflection."""

import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.featurizer.servicers.featurizer import FeaturizerServicer
from services.featurizer.settings import Settings
from sightline.errors import ConfigError
from sightline.proto import featurizer_pb2, featurizer_pb2_grpc

SERVICE = featurizer_pb2.DESCRIPTOR.services_by_name["Featurizer"].full_name
HEALTH_SERVICE = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name


class Health:
    """grpc.health.v1: the server as a whole ("") and the service by its name say the same."""

    def __init__(self) -> None:
        self.servicer = health.aio.HealthServicer()

    async def serving(self, serving: bool) -> None:
        status = health_pb2.HealthCheckResponse
        for service in ("", SERVICE):
            await self.servicer.set(service, status.SERVING if serving else status.NOT_SERVING)


@asynccontextmanager
async def serving(settings: Settings, servicer: FeaturizerServicer, health: Health) -> AsyncIterator[int]:
    """Serve while the block runs; yields the TCP port. Calls still open at the end are cut: drain before.

    Raises ConfigError where an address is taken or can't be had.
    """
    server = grpc.aio.server(options=_options(settings))
    featurizer_pb2_grpc.add_FeaturizerServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]
    health_pb2_grpc.add_HealthServicer_to_server(health.servicer, server)
    reflection.enable_server_reflection((SERVICE, HEALTH_SERVICE, reflection.SERVICE_NAME), server)
    port = _listen_tcp(server, settings)
    if settings.unix_socket:
        _listen_unix(server, settings.unix_socket)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(grace=None)


def _options(settings: Settings) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", settings.message_bytes_max),
        ("grpc.max_send_message_length", settings.message_bytes_max),
        ("grpc.so_reuseport", 0),  # else a second server shares the port in silence
        # A photograph in one read from the socket instead of several: 0.05 ms of a round trip.
        ("grpc.experimental.tcp_read_chunk_size", 256 << 10),
        # Callers may ping an idle stream every second to notice a lost host; we do so ourselves.
        ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.keepalive_time_ms", 10_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.http2.ping_timeout_ms", 5_000),  # else a ping of gRPC's own, in flight just then, is waited for 60 s
        ("grpc.http2.max_pings_without_data", 0),
    ]


def _listen_tcp(server: grpc.aio.Server, settings: Settings) -> int:
    host, port = settings.grpc_host, settings.grpc_port
    # gRPC's own refusal doesn't say why, and writes to stderr besides: ask the kernel first.
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
        bracketed = f"[{host}]" if ":" in host else host
        where = f"{bracketed}:{port}"
        if settings.tls:
            return int(server.add_secure_port(where, settings.tls.credentials()))
        return int(server.add_insecure_port(where))
    except (OSError, RuntimeError) as error:
        raise _cannot_listen(f"{host}:{port}", "--grpc-port", error) from None


def _listen_unix(server: grpc.aio.Server, path: Path) -> None:
    # gRPC removes whatever socket is in its way. One that answers belongs to a live server.
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            taken = probe.connect_ex(str(path)) == 0
        if taken:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        if not path.parent.is_dir():
            raise OSError(errno.ENOENT, f"{path.parent} is not a directory")
        server.add_insecure_port(f"unix:{path}")
    except (OSError, RuntimeError) as error:
        raise _cannot_listen(str(path), "--unix-socket", error) from None


def _cannot_listen(address: str, key: str, error: Exception) -> ConfigError:
    return ConfigError(f"can't listen on {address}: {getattr(error, 'strerror', None) or error}", key=key)
