"""Puts the parts of a running pipeline together: which thread owns the engine, which sink, which stages."""

import logging
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import blake2b
from queue import SimpleQueue

from confluent_kafka import Message

from services.common.pulse import Pulse
from services.stream_joiner.changelog import Changelog
from services.stream_joiner.commits import Commits
from services.stream_joiner.emitters import LocalEmitter, RepartitionEmitter
from services.stream_joiner.engine import Engine
from services.stream_joiner.featurizer_client import FeaturizerClient
from services.stream_joiner.lag import Lag
from services.stream_joiner.membership import Subscription
from services.stream_joiner.metrics import Metrics
from services.stream_joiner.outcomes import Outcomes
from services.stream_joiner.owner import EventLoop, Owner, PollingThread
from services.stream_joiner.partitions import PartitionMaker, restoring
from services.stream_joiner.parts import Limits, Parts, Tables
from services.stream_joiner.scoring import Scoring
from services.stream_joiner.settings import Settings
from services.stream_joiner.sink import AtLeastOnce, Output, Sink
from services.stream_joiner.source import Source
from services.stream_joiner.startup import Loaded
from services.stream_joiner.transactions import ExactlyOnce
from services.stream_joiner.window_stage import Emitter
from sightline.events import Refusal
from sightline.io.ends import EndOffsets
from sightline.io.kafka import TopicInfo, group_config
from sightline.query.pipeline import Pipeline
from sightline.query.tables.binding import bind_tables
from sightline.query.windows.records import Codec

log = logging.getLogger(__name__)

SCORED_RECORDS_MAX = 500
"""Taken from Kafka at once where each may be an image that has to be scored."""


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
        pulse: Pulse,
    ) -> None:
        """`pulse` is that of the polling thread."""
        self._settings, self._pipeline, self._metrics, self._pulse = settings, pipeline, metrics, pulse
        self._outcomes = Outcomes(pipeline, cluster_id, topics, metrics, settings.dead_letter_topic)
        (events,) = pipeline.sources.values()
        self._group = settings.group or f"sightline-joiner-{pipeline.name}"
        whose = f"{self._group}/{topics[events.topic].topic_id}"
        self._tag = blake2b(whose.encode(), digest_size=8).hexdigest()
        self._refused_rows: SimpleQueue[Output] = SimpleQueue()
        self.scoring: Scoring | None = None

    def refuse_row(self, message: Message, refusal: Refusal) -> None:
        """On a table's thread."""
        self._refused_rows.put(self._outcomes.refused_row(message, refusal))

    def build(self, loaded: Loaded, failed: Callable[[BaseException], None]) -> None:
        """In the event loop."""
        settings, query = self._settings, loaded.query
        owner: Owner = EventLoop() if query.plan.models else PollingThread()
        self.source = Source(self._subscription(loaded), owner, failed, self._pulse)
        self.sink = self._make_sink(owner, failed, loaded.state_topics is not None)
        if query.plan.models:
            passed_over = None if self._pipeline.engine_may_change else self._metrics.other_engine.inc
            self.scoring = Scoring(query.plan.models, partial(FeaturizerClient, settings, self._metrics), passed_over)
        topics = loaded.state_topics
        changelog = Changelog(topics.changelog, self.sink) if topics else None
        codec = self._codec(loaded)
        maker = PartitionMaker(loaded, self._make_parts(loaded, codec), codec, settings.state_keys_max)
        commits = Commits(self.sink, changelog, settings.commit_interval_ms / 1e3)
        self.engine = Engine(maker.make, self.sink, self._metrics, commits)
        self.engine.refused_rows = self._refused_rows
        Lag(self.engine, self._metrics, EndOffsets(settings.brokers)).start()
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
            topic=events.topic,
            starts=dict(starts),
            config=group_config(settings.brokers, self._group, settings.session_timeout_ms, settings.instance)
            | {"enable.partition.eof": True},
            records_max=min(records_max, SCORED_RECORDS_MAX) if loaded.query.plan.models else records_max,
            drain_s_max=settings.drain_ms_max / 1e3,
            restore=restoring(settings, self._pipeline, loaded, self._tag),
        )

    def _make_sink(self, owner: Owner, failed: Callable[[BaseException], None], has_state: bool) -> Sink:
        settings = self._settings
        if self._pipeline.delivery == "at-least-once":
            return AtLeastOnce(settings.brokers, failed, self.source.later, idempotent=has_state)
        name = f"{self._group}-{settings.instance or uuid.uuid4().hex}"
        log.info("exactly once", extra={"transactional_id": name})
        return ExactlyOnce(settings.brokers, name, failed, self.source.later, owner.post)

    def _make_parts(self, loaded: Loaded, codec: Codec | None) -> Parts:
        settings, query = self._settings, loaded.query
        open_events = max(1, settings.open_events_max // loaded.partitions)
        limits = Limits(
            open_events,
            open_events + settings.unscored_events_max // loaded.partitions,
            max(1, settings.open_bytes_max // loaded.partitions),
            round(settings.future_s_max * 1e6),
        )
        return Parts(
            pipeline=self._pipeline,
            query=query,
            bound=bind_tables(query, {name: each.rows for name, each in loaded.tables.items()}),
            reader=loaded.reader.needs(query.plan.source_columns),
            tables=Tables(loaded.tables, settings.table_wait_ms_max / 1e3),
            outcomes=self._outcomes,
            sink=self.sink,
            metrics=self._metrics,
            limits=limits,
            scoring=self.scoring,
            emitter=self._emitter(loaded, codec),
        )

    def _emitter(self, loaded: Loaded, codec: Codec | None) -> Emitter | None:
        topics = loaded.state_topics
        if topics is None or codec is None:
            return None
        if topics.repartition:
            return RepartitionEmitter(loaded.query, self.sink, codec, topics.repartition, loaded.partitions)
        return LocalEmitter(loaded.query, self._outcomes, self.sink, self._metrics.windows.inc)

    def _codec(self, loaded: Loaded) -> Codec | None:
        """For the repartition topic, whose records are of one group, one source topic and one query."""
        windowing = loaded.query.windowing
        return Codec(windowing, f"{self._tag}/{windowing.fingerprint}") if windowing else None
