"""Alerting's life: listen, join the group, announce, drain."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

from grpc_health.v1 import health_pb2
from prometheus_client import CollectorRegistry, ProcessCollector

from services.alerting import servicer, wall
from services.alerting.darkroom import Darkroom, developing
from services.alerting.entry import Entry
from services.alerting.feed import Feed
from services.alerting.handover import HandOver
from services.alerting.metrics import Metrics
from services.alerting.parts import Parts
from services.alerting.pipeline import Pipeline
from services.alerting.settings import Settings
from services.common import http
from services.common.lifecycle import Lifecycle
from sightline.alerts.pipelines import load_facts
from sightline.alerts.records import Alert
from sightline.alerts.rules import load_rules


async def serve(settings: Settings, life: Lifecycle) -> None:
    rules = load_rules(settings.rules, load_facts(settings.pipelines))
    loop = asyncio.get_running_loop()
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    metrics = Metrics(list(rules.by_name.values()), registry)
    feed = Feed(settings.feed_alerts_max, settings.subscribers_max, settings.subscriber_alerts_max)
    metrics.subscribers.set_function(lambda: feed.subscribers)
    darkroom = Darkroom(settings.brokers, settings.picture_queue_max) if settings.pictures else None
    app = http.application(life, registry)
    wall.Wall(feed, darkroom).add_to(app)
    joined = asyncio.Event()
    alerts = servicer.AlertsServicer(feed)

    def publish(entries: Sequence[Entry]) -> None:
        new = feed.publish(entries)
        if darkroom is not None:
            darkroom.want(new)

    def add_past(past: Sequence[Alert]) -> None:
        feed.add_past(map(Entry, past))

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(http.serving(app, settings.http_host, settings.http_port))
        health = await stack.enter_async_context(
            servicer.serving(alerts, settings.grpc_host, settings.grpc_port, settings.grpc_socket, settings.tls)
        )
        if darkroom is not None:
            await stack.enter_async_context(developing(darkroom))

        async def announce() -> None:
            await joined.wait()
            life.ready()
            for name in ("", servicer.SERVICE):
                await health.set(name, health_pb2.HealthCheckResponse.SERVING)

        pipeline = Pipeline(
            Parts(
                settings,
                rules,
                rules.topics(),
                metrics,
                publish=HandOver(loop, publish),
                add_past=lambda past: loop.call_soon_threadsafe(add_past, past),
                waiting=lambda what: loop.call_soon_threadsafe(life.waiting, what),
                ready=lambda: loop.call_soon_threadsafe(joined.set),
                pulse=life.pulse("pipeline"),
            )
        )
        threads = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="pipeline"))
        running = loop.run_in_executor(threads, pipeline.run)
        running.add_done_callback(lambda done: life.fail(error) if (error := done.exception()) else None)
        announcing = asyncio.create_task(announce())
        try:
            await life.until_stopped()
        finally:
            announcing.cancel()
            pipeline.stop()
            await asyncio.wait((running,))
            feed.close()
