"""The joiner's life: query -> topics -> tables -> featurizer -> events -> drained."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from prometheus_client import CollectorRegistry

from services.common.http import application, serving
from services.common.lifecycle import Lifecycle
from services.stream_joiner.assembly import Assembly
from services.stream_joiner.live_table import LiveTable
from services.stream_joiner.metrics import Metrics
from services.stream_joiner.rows import reader_of
from services.stream_joiner.settings import Settings
from services.stream_joiner.startup import Loaded, check_models, find_topics, load_tables, make_state_topics
from sightline.events import Limits
from sightline.query.compiling.query import compile_plan
from sightline.query.pipeline import PipelineFile
from sightline.query.planning.check import check
from sightline.query.planning.planner import plan

log = logging.getLogger(__name__)


async def serve(settings: Settings, lifecycle: Lifecycle) -> None:
    file = PipelineFile(settings.pipeline)
    check(file)  # a wrong query is refused before anything is waited for
    registry = CollectorRegistry()
    metrics = Metrics(file.pipeline.name, registry)
    async with AsyncExitStack() as parts:
        await parts.enter_async_context(
            serving(application(lifecycle, registry), settings.http_host, settings.http_port)
        )
        if await lifecycle.unless_stopped(parts.enter_async_context(joining(settings, file, metrics, lifecycle))):
            lifecycle.ready()
            await lifecycle.until_stopped()


@asynccontextmanager
async def joining(
    settings: Settings, file: PipelineFile, metrics: Metrics, lifecycle: Lifecycle
) -> AsyncIterator[bool]:
    """The pipeline runs while the block does; leaving it drains, commits and closes."""
    pipeline = file.pipeline
    (events,) = pipeline.sources.values()
    cluster_id, topics = await find_topics(settings, pipeline, lifecycle)
    partitions = topics[events.topic].partitions
    lifecycle.waiting(f"records of {events.topic!r}")
    limits = Limits(settings.event_bytes_max, settings.future_s_max)
    reader = await asyncio.to_thread(reader_of, file, limits, settings.brokers, partitions)
    assembly = Assembly(settings, pipeline, cluster_id, topics, metrics, lifecycle.pulse("polling thread"))
    async with AsyncExitStack() as parts:
        tables = await load_tables(settings, pipeline, topics, assembly.refuse_row, metrics, lifecycle)
        for each in tables.values():
            parts.callback(each.stop)
        planned, expressions = plan(file, dict(reader.columns))
        query = compile_plan(planned, expressions)
        state_topics = await make_state_topics(settings, planned, pipeline, partitions, lifecycle)
        loop = asyncio.get_running_loop()

        def failed(error: BaseException) -> None:
            loop.call_soon_threadsafe(lifecycle.fail, error)

        assembly.build(Loaded(query, reader, tables, state_topics, partitions), failed)
        for each in tables.values():
            each.follow(failed)
        if assembly.scoring:
            await assembly.scoring.start()
            parts.push_async_callback(assembly.scoring.close)
            await check_models(file, planned.models, assembly.scoring.clients, lifecycle)
        _observe(metrics, tables, assembly)
        await asyncio.to_thread(assembly.sink_start)
        assembly.source.start()
        try:
            yield True
        finally:
            deadline_s = time.monotonic() + settings.drain_ms_max / 1e3
            await asyncio.to_thread(assembly.source.stop)
            if missing := await asyncio.to_thread(assembly.sink.close, max(0.0, deadline_s - time.monotonic())):
                log.warning("ended with unacknowledged records; they are read again", extra={"records": missing})


def _observe(metrics: Metrics, tables: Mapping[str, LiveTable], assembly: Assembly) -> None:
    for name, table in tables.items():
        metrics.observe_table(name, table.row_count, table.conflict_count)
    metrics.observe_newest(lambda: assembly.engine.newest_us)
    metrics.observe_state(lambda: assembly.engine.state_keys)
