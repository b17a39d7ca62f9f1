"""Partitions that come to us: their state as it was written down, and who processes their records."""

from collections.abc import Callable
from typing import Any

from confluent_kafka import TopicPartition

from services.stream_joiner.changelog import Restored, StateReader, Written
from services.stream_joiner.emitters import LocalEmitter
from services.stream_joiner.merge_stage import MergePartition
from services.stream_joiner.partition import SourcePartition
from services.stream_joiner.parts import Parts
from services.stream_joiner.reader import States
from services.stream_joiner.settings import Settings
from services.stream_joiner.startup import Loaded
from services.stream_joiner.window_stage import SourceWindows
from sightline.offsets import PartitionLog
from sightline.query.pipeline import Pipeline, parse_duration_s
from sightline.query.windows.merge import MergeCheckpoint, MergeState
from sightline.query.windows.records import Codec

Restore = Callable[[list[TopicPartition]], States]


def restoring(settings: Settings, pipeline: Pipeline, loaded: Loaded, tag: str) -> Restore:
    """Reads the states of partitions of the source; it blocks. `tag` says whose they are."""
    topics, windowing = loaded.state_topics, loaded.query.windowing
    if topics is None:
        return lambda partitions: {}
    assert windowing
    (events,) = pipeline.sources.values()
    reader = StateReader(
        settings.brokers,
        Written(topics.changelog, tag),
        windowing,
        settings.state_keys_max,
        exactly_once=pipeline.delivery == "exactly-once",
    )

    def restore(partitions: list[TopicPartition]) -> States:
        ours = [each.partition for each in partitions if each.topic == events.topic]
        return {(events.topic, partition): reader.read(partition) for partition in ours}

    return restore


class PartitionMaker:
    """Called by the engine's owner. `codec` is that of the repartition topic, if the query has windows."""

    def __init__(self, loaded: Loaded, parts: Parts, codec: Codec | None, state_keys_max: int) -> None:
        self._loaded, self._parts, self._codec, self._keys_max = loaded, parts, codec, state_keys_max
        (events,) = parts.pipeline.sources.values()
        self._idle_s = parse_duration_s(events.idle)

    def make(self, at: TopicPartition, restored: Restored | None) -> SourcePartition | MergePartition:
        """With the offset to start at, and the metadata of the last commit."""
        topics = self._loaded.state_topics
        if topics and at.topic == topics.repartition:
            return self._merge(at)
        log: PartitionLog[Any] = PartitionLog(at.topic, at.partition, at.offset)
        return SourcePartition(self._parts, log, self._windows(at, restored))

    def _windows(self, at: TopicPartition, restored: Restored | None) -> SourceWindows | None:
        windowing, emitter = self._parts.query.windowing, self._parts.emitter
        if windowing is None:
            return None
        assert emitter and restored
        exactly_once = self._parts.sink.exactly_once
        return SourceWindows(at.partition, restored.state, at.offset, emitter, self._idle_s, exactly_once)

    def _merge(self, at: TopicPartition) -> MergePartition:
        parts, windowing = self._parts, self._parts.query.windowing
        assert windowing and self._codec
        committed = MergeCheckpoint(at.offset, at.metadata or "")
        state = MergeState(windowing, range(self._loaded.partitions), committed, self._keys_max)
        emitter = LocalEmitter(parts.query, parts.outcomes, parts.sink, parts.metrics.windows.inc)
        return MergePartition(at, state, self._codec, emitter, parts.outcomes, parts.sink)
