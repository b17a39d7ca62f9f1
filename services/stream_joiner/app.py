"""The joiner's life: query -> topics -> tables -> featurizer -> events -> drained."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from prometheus_client import CollectorRegistry

from services.common.http import application, serving
from services.common.lifecycle import Lifecycle
from services.stream_joiner.checkpoint import Checkpoint
from services.stream_joiner.featurizer_client import FeaturizerClient
from services.stream_joiner.metrics import Metrics
from services.stream_joiner.outcomes import Outcomes
from services.stream_joiner.pipeline import JoinPipeline
from services.stream_joiner.settings import Settings
from services.stream_joiner.sink import Sink
from services.stream_joiner.source import Source
from services.stream_joiner.startup import check_model, find_topics, load_tables
from sightline.query.compiler import compile_plan
from sightline.query.pipeline import PipelineFile
from sightline.query.plan import plan

log = logging.getLogger(__name__)


async def serve(settings: Settings, lifecycle: Lifecycle) -> None:
    file = PipelineFile(settings.pipeline)
    if all(table.columns for table in file.pipeline.tables.values()):
        plan(file)  # a wrong query is refused before anything is waited for
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
    events = next(iter(pipeline.sources.values()))
    cluster_id, topics = await find_topics(settings, pipeline, lifecycle)
    sink = Sink(settings.bootstrap_servers, lifecycle.fail)
    outcomes = Outcomes(pipeline, (cluster_id, topics[events.topic]), sink, metrics, settings.dead_letter_topic)
    async with AsyncExitStack() as parts:
        tables = await load_tables(settings, pipeline, topics, outcomes, metrics, lifecycle)
        for table in tables.values():
            parts.callback(table.stop)
        query = compile_plan(plan(file))
        checkpoint = Checkpoint(sink, metrics, settings.commit_interval_ms)
        join = JoinPipeline(settings, pipeline, query, tables, checkpoint, outcomes, metrics)
        if query.model:
            join.client = FeaturizerClient(settings, query.model, join)
            await join.client.start()
            parts.push_async_callback(join.client.close)
            await check_model(file, query.model, join.client, lifecycle)
        for name, table in tables.items():
            metrics.observe_table(name, table.row_count, table.conflict_count)
        metrics.observe_newest(lambda: join.newest_time_us)
        source = Source(settings, pipeline.name, events, join)
        checkpoint.later = source.later
        committing = asyncio.create_task(checkpoint.run(join.too_much))
        source.failed = lifecycle.fail
        source.start()
        try:
            yield True
        finally:
            await asyncio.to_thread(source.stop)
            committing.cancel()
            with suppress(asyncio.CancelledError):
                await committing
            if missing := await asyncio.to_thread(sink.flush, settings.drain_ms_max / 1e3):
                log.warning("ended with unacknowledged records; they are read again", extra={"records": missing})
