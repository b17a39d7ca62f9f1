"""The featurizer's life, from listening to drained."""

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

from prometheus_client import CollectorRegistry

from services.common import http
from services.common.lifecycle import Lifecycle
from services.featurizer import server
from services.featurizer.metrics import Metrics
from services.featurizer.repository import OpenEngine, load
from services.featurizer.servicers.featurizer import FeaturizerServicer
from services.featurizer.settings import Settings
from sightline.models import engines

log = logging.getLogger(__name__)


async def serve(settings: Settings, lifecycle: Lifecycle, open_engine: OpenEngine = engines.load) -> None:
    """Listens first, so that a taken port is known before the models' seconds; returns when drained.

    1. Listen: health is NOT_SERVING, requests are answered UNAVAILABLE.
    2. Load and warm up, then SERVING.
    3. On a signal NOT_SERVING, and announce it on every stream.
    4. Answer what was accepted, within drain_ms_max.
    5. Close: the listeners, then the models.
    """
    registry = CollectorRegistry()
    servicer = FeaturizerServicer(settings)
    health = server.Health()
    await health.serving(False)
    async with AsyncExitStack() as parts:
        decoders = parts.enter_context(ThreadPoolExecutor(settings.decode_threads, "decode"))
        web = http.application(lifecycle, registry)
        await parts.enter_async_context(http.serving(web, settings.http_host, settings.http_port))
        parts.push_async_callback(servicer.close)
        port = await parts.enter_async_context(server.serving(settings, servicer, health))  # 1
        unix_socket = str(settings.unix_socket) if settings.unix_socket else None
        log.info("grpc listening", extra={"host": settings.grpc_host, "port": port, "unix_socket": unix_socket})

        lifecycle.waiting("the models")
        loading = load(settings, Metrics(registry), decoders, open_engine, lifecycle.pulse)
        repository = await lifecycle.unless_stopped(loading)  # 2
        if repository is None:  # a signal came first
            return
        servicer.repository = repository
        await health.serving(True)
        lifecycle.ready()
        await lifecycle.until_stopped()

        await health.serving(False)  # 3
        await servicer.drain(settings.drain_ms_max / 1e3)  # 4
