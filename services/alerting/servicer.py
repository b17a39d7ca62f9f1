"""sightline.v1.Alerts over gRPC: what the feed has and gets."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.alerting.entry import Entry
from services.alerting.feed import Feed, FeedFullError, Subscription
from sightline.errors import ConfigError
from sightline.io.tls import ServerTls
from sightline.proto import alerts_pb2

log = logging.getLogger(__name__)

SERVICE = alerts_pb2.DESCRIPTOR.services_by_name["Alerts"].full_name
LIST_LIMIT = 100

_STOP_GRACE_S = 1.0
_STATUS_S_MAX = 5.0
_OPTIONS = (
    ("grpc.so_reuseport", 0),
    # A subscriber that vanished without a word is found out and its place given to another.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),  # else a ping of gRPC's own, in flight just then, is waited for 60 s
    # Subscribers may ping us every 5 s.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


class AlertsServicer:
    """Responses are bytes: an alert is serialised once, however many subscribe."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def handler(self) -> grpc.GenericRpcHandler:
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Subscribe": grpc.unary_stream_rpc_method_handler(
                    self.subscribe, alerts_pb2.SubscribeRequest.FromString, None
                ),
                "List": grpc.unary_unary_rpc_method_handler(
                    self.list, alerts_pb2.ListRequest.FromString, alerts_pb2.ListResponse.SerializeToString
                ),
            },
        )

    async def subscribe(self, request: alerts_pb2.SubscribeRequest, context: grpc.aio.ServicerContext) -> None:
        rules = frozenset(request.rules)
        try:
            subscription = self._feed.subscribe(rules)
        except FeedFullError as error:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
        past = self._feed.newest(request.replay, rules)[::-1]
        sending = asyncio.ensure_future(_send(subscription, past, context))
        try:
            # A write to a subscriber that does not read never returns: the end of the subscription does.
            await asyncio.wait((sending, subscription.ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if sending.done():
                sending.exception()  # the connection broke: there is nobody to tell
            sending.cancel()
            self._feed.unsubscribe(subscription)
        if subscription.overflowed:
            code, why = grpc.StatusCode.RESOURCE_EXHAUSTED, "fell too far behind; subscribe again with replay"
        else:
            code, why = grpc.StatusCode.UNAVAILABLE, "stopping; subscribe again"
        # The status comes after what was written, which takes a reader: one that never comes is cut off.
        await asyncio.wait_for(context.abort(code, why), _STATUS_S_MAX)

    async def list(self, request: alerts_pb2.ListRequest, _: grpc.aio.ServicerContext) -> alerts_pb2.ListResponse:
        found = self._feed.newest(request.limit or LIST_LIMIT, frozenset(request.rules))
        return alerts_pb2.ListResponse(alerts=[alerts_pb2.Alert.FromString(entry.proto) for entry in found])


async def _send(subscription: Subscription, past: list[Entry], context: grpc.aio.ServicerContext) -> None:
    for entry in past:
        await context.write(entry.proto)
    while entries := await subscription.next():
        for entry in entries:
            await context.write(entry.proto)


@asynccontextmanager
async def serving(
    servicer: AlertsServicer, host: str, port: int, socket: Path | None, tls: ServerTls | None = None
) -> AsyncIterator["health.aio.HealthServicer"]:
    """Serve while the block runs; yields the health of it. Raises ConfigError where the address is taken."""
    server = grpc.aio.server(options=_OPTIONS)
    server.add_generic_rpc_handlers((servicer.handler(),))
    state = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    for name in ("", SERVICE):
        await state.set(name, health_pb2.HealthCheckResponse.NOT_SERVING)
    reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    try:
        where = f"{host}:{port}"
        bound = server.add_secure_port(where, tls.credentials()) if tls else server.add_insecure_port(where)
    except RuntimeError:
        raise ConfigError(f"can't listen on {host}:{port}: address in use or not ours", key="--grpc-port") from None
    if socket is not None:
        try:
            server.add_insecure_port(f"unix:{socket}")
        except RuntimeError:
            raise ConfigError(f"can't listen on {socket}", key="--grpc-socket") from None
    await server.start()
    log.info("grpc listening", extra={"host": host, "port": bound})
    try:
        yield state
    finally:
        await state.enter_graceful_shutdown()
        await server.stop(_STOP_GRACE_S)
