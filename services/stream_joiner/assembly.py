"""Puts the parts of a running pipeline together: which thread owns the engine, which sink, which stages."""

import logging
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from confluent_kafka import Message, TopicPartition

from services.stream_joiner.changelog import Changelog, Restored, Written, restore_states
from services.stream_joiner.engine import Engine
from services.stream_joiner.featurizer_client import FeaturizerClient
from services.stream_joiner.lag import Lag
from services.stream_joiner.live_table import LiveTable
from services.stream_joiner.merge_stage import MergePartition
from services.stream_joiner.metrics import Metrics
from services.stream_joiner.outcomes import Outcomes
from services.stream_joiner.owner import EventLoop, Owner, PollingThread
from services.stream_joiner.partition import SourcePartition
from services.stream_joiner.parts import Limits, Parts, Tables
from services.stream_joiner.scoring import Scoring
from services.stream_joiner.settings import Settings
from services.stream_joiner.sink import AtLeastOnce, Sink
from services.stream_joiner.source import Source, States, Subscription
from services.stream_joiner.startup import StateTopics
from services.stream_joiner.transactions import ExactlyOnce
from services.stream_joiner.window_stage import Emitter, LocalEmitter, RepartitionEmitter, SourceWindows
from sightline.events import Refusal
from sightline.formats.reader import RowReader
from sightline.io.kafka import TopicInfo, admin, group_config
from sightline.offsets import PartitionLog
from sightline.query.compiling.query import Bound, Query
from sightline.query.pipeline import Pipeline, parse_duration_s
from sightline.query.windows.merge import MergeCheckpoint, MergeState
from sightline.query.windows.records import Codec
from sightline.query.windows.state import WindowState

log = logging.getLogger(__name__)

SCORED_RECORDS_MAX = 500
"""Taken from Kafka at once where each may be an image that has to be scored."""


class Loaded(NamedTuple):
    """What was found out before anything runs."""

    query: Query
    reader: RowReader
    tables: Mapping[str, LiveTable]
    state_topics: StateTopics | None
    partitions: int


class Assembly:
    """`refuse_row` may be used at once, the rest after `build`."""

    source: Source
    sink: Sink
    engine: Engine

    def __init__(
        self,
        settings: Settings,
        pipeline: Pipeline,
        cluster_id: str,
        topics: Mapping[str, TopicInfo],
        metrics: Metrics,
    ) -> None:
        self._settings, self._pipeline, self._metrics = settings, pipeline, metrics
        self._outcomes = Outcomes(pipeline, cluster_id, topics, metrics, settings.dead_letter_topic)
        (events,) = pipeline.sources.values()
        self._group = settings.group or f"sightline-joiner-{pipeline.name}"
        self._tag = f"{self._group}/{topics[events.topic].topic_id}"
        self._refused: list[Any] = []
        self.scoring: Scoring | None = None

    def refuse_row(self, message: Message, refusal: Refusal) -> None:
        """On a table's thread."""
        letter = self._outcomes.refused_row(message, refusal)
        if hasattr(self, "engine"):
            self.engine.refused_rows.put(letter)
        else:
            self._refused.append(letter)

    def build(self, loaded: Loaded, failed: Callable[[BaseException], None]) -> None:
        """In the event loop."""
        self._loaded, query = loaded, loaded.query
        owner: Owner = EventLoop() if query.plan.models else PollingThread()
        self.source = Source(self._subscription(loaded), owner, failed)
        self.sink = self._make_sink(owner, failed)
        if query.plan.models:
            self.scoring = Scoring(query.plan.models, partial(FeaturizerClient, self._settings))
        topics = loaded.state_topics
        changelog = Changelog(Written(topics.changelog, self._tag), self.sink) if topics else None
        self._parts = self._make_parts(loaded)
        interval_s = self._settings.commit_interval_ms / 1e3
        self.engine = Engine(self._make, self.sink, self._metrics, changelog, interval_s)
        for letter in self._refused:
            self.engine.refused_rows.put(letter)
        self.engine.rest = self._rest
        Lag(self.engine, self._metrics, admin(self._settings.bootstrap_servers))
        self.source.reader = self.engine

    def sink_start(self) -> None:
        """Blocks until the broker has fenced who had our transactional id before."""
        if isinstance(self.sink, ExactlyOnce):
            self.sink.start()

    def _subscription(self, loaded: Loaded) -> Subscription:
        settings = self._settings
        (events,) = self._pipeline.sources.values()
        starts = {events.topic: events.start}
        if loaded.state_topics and loaded.state_topics.repartition:
            starts[loaded.state_topics.repartition] = "earliest"
        records_max = settings.poll_records_max
        return Subscription(
            starts=dict(starts),
            config=group_config(
                settings.bootstrap_servers, self._group, settings.session_timeout_ms, settings.instance
            ),
            records_max=min(records_max, SCORED_RECORDS_MAX) if loaded.query.plan.models else records_max,
            drain_s_max=settings.drain_ms_max / 1e3,
            restore=self._restore,
        )

    def _make_sink(self, owner: Owner, failed: Callable[[BaseException], None]) -> Sink:
        settings = self._settings
        if self._pipeline.delivery == "at-least-once":
            return AtLeastOnce(settings.bootstrap_servers, failed, self.source.later)
        name = f"{self._group}-{settings.instance or uuid.uuid4().hex}"
        log.info("exactly once", extra={"transactional_id": name})
        return ExactlyOnce(settings.bootstrap_servers, name, failed, self.source.later, owner.post)

    def _make_parts(self, loaded: Loaded) -> Parts:
        settings, query = self._settings, loaded.query
        limits = Limits(
            max(1, settings.open_events_max // loaded.partitions),
            max(1, settings.open_bytes_max // loaded.partitions),
            round(settings.future_s_max * 1e6),
        )
        return Parts(
            pipeline=self._pipeline,
            query=query,
            bound=self._bind(loaded),
            reader=loaded.reader.needs(query.plan.source_columns),
            tables=Tables(loaded.tables, settings.table_wait_ms_max / 1e3),
            outcomes=self._outcomes,
            sink=self.sink,
            metrics=self._metrics,
            limits=limits,
            scoring=self.scoring,
            emitter=self._emitter(loaded),
        )

    def _bind(self, loaded: Loaded) -> Bound:
        lookups = []
        for table, index in loaded.query.indexes:
            rows = loaded.tables[table].rows
            lookups.append(rows.lookup(rows.add_index(index.key, index.name) if index else 0))
        return loaded.query.bind(lookups)

    def _emitter(self, loaded: Loaded) -> Emitter | None:
        topics = loaded.state_topics
        if topics is None:
            return None
        if topics.repartition:
            return RepartitionEmitter(loaded.query, self.sink, self._codec, topics.repartition, topics.repartitions)
        return self._local_emitter(loaded)

    @property
    def _codec(self) -> Codec:
        """For the repartition topic, whose records are of one group, one source topic and one query."""
        windowing = self._loaded.query.windowing
        assert windowing
        return Codec(windowing, f"{self._tag}/{windowing.fingerprint}")

    def _local_emitter(self, loaded: Loaded) -> LocalEmitter:
        return LocalEmitter(loaded.query, self._outcomes, self.sink, self._metrics.windows.inc)

    def _rest(self, partitions: list[TopicPartition], pause: bool) -> None:
        self.source.later(lambda consumer: (consumer.pause if pause else consumer.resume)(partitions))

    # Partitions that come to us.

    def _restore(self, partitions: list[TopicPartition]) -> States:
        """In the source's thread."""
        topics = self._loaded.state_topics
        (events,) = self._pipeline.sources.values()
        ours = [each.partition for each in partitions if each.topic == events.topic]
        if topics is None or not ours:
            return {}
        assert self._loaded.query.windowing
        states = restore_states(
            self._settings.bootstrap_servers,
            Written(topics.changelog, self._tag),
            ours,
            self._loaded.query.windowing,
            self._settings.state_keys_max,
            self._pipeline.delivery == "exactly-once",
        )
        return {(events.topic, partition): state for partition, state in states.items()}

    def _make(self, at: TopicPartition, restored: Restored | None) -> SourcePartition | MergePartition:
        loaded, windowing = self._loaded, self._loaded.query.windowing
        if loaded.state_topics and at.topic == loaded.state_topics.repartition:
            assert windowing
            committed = MergeCheckpoint(at.offset, at.metadata or "")
            state = MergeState(windowing, range(loaded.partitions), committed, self._settings.state_keys_max)
            emitter = self._local_emitter(loaded)
            return MergePartition(at, state, self._codec, emitter, self._outcomes, self.sink)
        partition_log: PartitionLog[Any] = PartitionLog(at.topic, at.partition, at.offset)
        if windowing is None:
            return SourcePartition(self._parts, partition_log, None)
        (events,) = self._pipeline.sources.values()
        window_state = restored.state if restored else WindowState(windowing, self._settings.state_keys_max)
        assert self._parts.emitter
        windows = SourceWindows(
            at.partition, window_state, at.offset, self._parts.emitter, parse_duration_s(events.idle)
        )
        return SourcePartition(self._parts, partition_log, windows)
