"""What must be there before the first event is read: topics, whole tables, the model."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from services.common.kafka import wait_for_topics
from services.common.lifecycle import Lifecycle
from services.stream_joiner.featurizer_client import FeaturizerClient
from services.stream_joiner.live_table import LiveTable
from services.stream_joiner.metrics import Metrics
from services.stream_joiner.settings import Settings
from services.stream_joiner.table_file import TableFile
from services.stream_joiner.table_topic import Refuse, TableReader
from sightline.errors import ConfigError
from sightline.formats.reader import RowReader
from sightline.io.kafka import KafkaException, Topic, TopicInfo, TopicMissingError, admin, create_topics, describe
from sightline.io.model_calls import check_call
from sightline.io.offsets import passing
from sightline.query.compiling.query import Query
from sightline.query.pipeline import Pipeline, PipelineFile
from sightline.query.planning.nodes import ModelCall, Plan
from sightline.query.windows.merge import SOURCES_MAX

log = logging.getLogger(__name__)

RETRY_S = 0.5

STATE_BYTES_MAX = 8 << 20
"""Of a record of the changelog or repartition topic: one group's aggregates are one record."""


class StateTopics(NamedTuple):
    changelog: str
    repartition: str | None


class Loaded(NamedTuple):
    """What was found out before anything runs."""

    query: Query
    reader: RowReader
    tables: Mapping[str, LiveTable]
    state_topics: StateTopics | None
    partitions: int


async def find_topics(settings: Settings, pipeline: Pipeline, lifecycle: Lifecycle) -> tuple[str, dict[str, TopicInfo]]:
    """The cluster's id and all topics of the pipeline, once they are there."""
    names = [each.topic for each in pipeline.sources.values()]
    names += [each.topic for each in pipeline.tables.values() if each.topic]
    names += [pipeline.sink.topic, settings.dead_letter_topic]
    names += [pipeline.windows.late_topic] if pipeline.windows.late_topic else []
    return await wait_for_topics(settings.brokers, names, lifecycle)


async def make_state_topics(
    settings: Settings, plan: Plan, pipeline: Pipeline, partitions: int, lifecycle: Lifecycle
) -> StateTopics | None:
    """The changelog, and where groups are merged the repartition topic, made where they are missing."""
    if plan.grouping is None:
        return None
    large = {"max.message.bytes": str(STATE_BYTES_MAX)}
    changelog = Topic(f"{pipeline.name}-changelog", partitions, {"cleanup.policy": "compact", **large})
    wanted = [changelog]
    if not plan.grouping.by_source_key:
        if partitions > SOURCES_MAX:
            raise ConfigError(
                f"the source has {partitions} partitions, and windows of at most {SOURCES_MAX} can be merged: group by "
                "the source's `key`, which needs no merging"
            )
        wanted.append(Topic(f"{pipeline.name}-repartition", partitions, large))
    client = admin(settings.brokers)
    while True:
        try:
            await asyncio.to_thread(create_topics, client, wanted)
            found = await asyncio.to_thread(describe, client, [each.name for each in wanted])
            break
        except KafkaException as error:
            if not passing(error.args[0]):
                raise
            why = error.args[0].str()
        except TopicMissingError as missing:
            why = str(missing)  # A broker that comes up knows of no topic.
        lifecycle.waiting(f"the pipeline's topics ({why})")
        log.warning("waiting for Kafka", extra={"why": why})
        await asyncio.sleep(RETRY_S)
    for name, info in found.items():
        if info.partitions != partitions:
            raise ConfigError(
                f"{name} has {info.partitions} partitions and the source {partitions}: "
                "delete the pipeline's changelog and repartition topics to begin anew"
            )
    return StateTopics(changelog.name, wanted[1].name if len(wanted) > 1 else None)


async def load_tables(
    settings: Settings,
    pipeline: Pipeline,
    topics: dict[str, TopicInfo],
    refuse: Refuse,
    metrics: Metrics,
    lifecycle: Lifecycle,
) -> dict[str, LiveTable]:
    """Each table read to the end it has now, or its file. `refuse` is called on the tables' threads."""
    tables: dict[str, LiveTable] = {}
    for name, table in pipeline.tables.items():
        lifecycle.waiting(f"table {name!r}")
        loaded: LiveTable
        if table.topic is None:
            loaded = TableFile(name, table, settings, partial(metrics.table_reloaded, name))
            await asyncio.to_thread(loaded.load)
        else:
            topic = topics[table.topic]
            loaded = TableReader(name, table, topic, settings, pipeline.name)
            await asyncio.to_thread(loaded.load, refuse)
        tables[name] = loaded
    return tables


async def check_models(
    file: PipelineFile, calls: Sequence[ModelCall], clients: Sequence[FeaturizerClient], lifecycle: Lifecycle
) -> None:
    """Wait for a featurizer that serves. Raises QueryError if it lacks a model of the query, or a signature."""
    lifecycle.waiting("a featurizer that serves")
    log.info("waiting for a featurizer")
    for call, client in zip(calls, clients, strict=True):
        check_call(file, call, await client.models())
