"""What must be there before the first event is read: topics, whole tables, the model."""

import asyncio
import logging
from functools import partial

from services.common.kafka import wait_for_topics
from services.common.lifecycle import Lifecycle
from services.stream_joiner.featurizer_client import FeaturizerClient
from services.stream_joiner.metrics import Metrics
from services.stream_joiner.outcomes import Outcomes
from services.stream_joiner.settings import Settings
from services.stream_joiner.table_file import TableFile
from services.stream_joiner.tables import TableReader
from sightline.io.kafka import TopicInfo
from sightline.query.pipeline import Pipeline, PipelineFile
from sightline.query.plan import ModelCall
from sightline.query.schema import did_you_mean

log = logging.getLogger(__name__)

AnyTable = TableReader | TableFile


async def find_topics(settings: Settings, pipeline: Pipeline, lifecycle: Lifecycle) -> tuple[str, dict[str, TopicInfo]]:
    """The cluster's id and all topics of the pipeline, once they are there."""
    names = [each.topic for each in pipeline.sources.values()]
    names += [each.topic for each in pipeline.tables.values() if each.topic]
    names += [pipeline.sink.topic, settings.dead_letter_topic]
    return await wait_for_topics(settings.bootstrap_servers, names, lifecycle)


async def load_tables(
    settings: Settings,
    pipeline: Pipeline,
    topics: dict[str, TopicInfo],
    outcomes: Outcomes,
    metrics: Metrics,
    lifecycle: Lifecycle,
) -> dict[str, AnyTable]:
    """Each table read to the end it has now, or its file; from then on it is kept current."""
    loop = asyncio.get_running_loop()
    tables: dict[str, AnyTable] = {}
    for name, table in pipeline.tables.items():
        lifecycle.waiting(f"table {name!r}")
        loaded: AnyTable
        if table.topic is None:
            loaded = TableFile(name, table, settings, partial(metrics.table_reloaded, name))
            await asyncio.to_thread(loaded.load)
        else:
            topic = topics[table.topic]
            loaded = TableReader(name, table, topic, settings, pipeline.name)
            refuse = partial(outcomes.refused_row, topic.topic_id)
            await asyncio.to_thread(loaded.load, partial(loop.call_soon_threadsafe, refuse))
        loaded.follow(lambda error: loop.call_soon_threadsafe(lifecycle.fail, error))
        tables[name] = loaded
    return tables


async def check_model(file: PipelineFile, call: ModelCall, client: FeaturizerClient, lifecycle: Lifecycle) -> None:
    """Wait for a featurizer that serves. Raises QueryError if it does not have the query's model."""
    lifecycle.waiting("a featurizer that serves")
    log.info("waiting for a featurizer")
    loaded = [each.name for each in await client.models()]
    name = call.model.partition("@")[0].partition(":")[0]
    if name not in loaded:
        raise file.query_error(f"the featurizer has no model {name!r}{did_you_mean(name, loaded)}", call.offset)
