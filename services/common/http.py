"""/metrics, /healthz and /readyz, the same in each service.

/healthz is bad only where a restart would help: a thread that does the work hangs (503), or the event loop does (no
answer). /readyz is bad until everything is loaded and from SIGTERM on. While Kafka or a featurizer is away both stay
good: neither a restart nor another instance would do better.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from services.common.lifecycle import Lifecycle, State
from sightline.errors import ConfigError

log = logging.getLogger(__name__)


def application(lifecycle: Lifecycle, registry: CollectorRegistry) -> web.Application:
    """A web application with the three paths; alerting adds its wall to it."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthz(_: web.Request) -> web.Response:
        if hanging := lifecycle.hanging:
            return web.Response(status=503, text=hanging + "\n")
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        if lifecycle.state is State.READY:
            return web.Response(text="ready\n")
        why = f"waiting for {lifecycle.waiting_for}" if lifecycle.state is State.STARTING else lifecycle.state.value
        return web.Response(status=503, text=why + "\n")

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), web.get("/healthz", healthz), web.get("/readyz", readyz)])
    return app


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve `app` while the block runs; yields the port. Raises ConfigError where the address is taken."""
    runner = web.AppRunner(app, shutdown_timeout=1, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise ConfigError(f"can't listen on {host}:{port}: {error.strerror}", key="--http-port") from None
        bound = int(runner.addresses[0][1])
        log.info("http listening", extra={"host": host, "port": bound})
        yield bound
    finally:
        await runner.cleanup()
