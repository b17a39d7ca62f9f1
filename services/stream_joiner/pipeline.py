"""The joiner's work on what was polled, from Kafka's record to its outcome.

    received -> decode -> join, cheap predicates -> featurizer -> rows -> released in offset order -> acknowledged

Everything here runs on the event loop, so nothing needs a lock.
"""

import asyncio
import logging
from collections.abc import Mapping

from confluent_kafka import KafkaError, Message, TopicPartition

from services.stream_joiner.checkpoint import Checkpoint
from services.stream_joiner.featurizer_client import FeaturizerClient
from services.stream_joiner.metrics import Metrics
from services.stream_joiner.outcomes import Outcomes, Record, now_us
from services.stream_joiner.settings import Settings
from services.stream_joiner.startup import AnyTable
from sightline.events import Limits, Reason, Refusal, decode
from sightline.offsets import PartitionLog
from sightline.proto import featurizer_pb2 as pb
from sightline.query.compiler import Filtered, NoMatch, Query
from sightline.query.pipeline import Pipeline

log = logging.getLogger(__name__)


class JoinPipeline:
    """Takes records from `source.Source`, jobs' answers from `featurizer_client.FeaturizerClient`."""

    def __init__(
        self,
        settings: Settings,
        pipeline: Pipeline,
        query: Query,
        tables: Mapping[str, AnyTable],
        checkpoint: Checkpoint,
        outcomes: Outcomes,
        metrics: Metrics,
    ) -> None:
        self._settings, self._pipeline, self._query = settings, pipeline, query
        self._tables, self._rows = tables, {name: table.rows.by_key() for name, table in tables.items()}
        self._checkpoint, self._outcomes, self._metrics = checkpoint, outcomes, metrics
        self._limits = Limits(settings.event_bytes_max, settings.future_s_max)
        self._parked: list[Record] = []
        self._unparking: asyncio.Task[None] | None = None
        self.client: FeaturizerClient | None = None
        self.open_bytes = 0
        self.newest_time_us = 0

    # From the source.

    def received(self, messages: list[Message]) -> None:
        polled_us = now_us()
        for table in self._tables.values():
            table.rows.refresh()
        ready = []
        for message in messages:
            partition_log = self._checkpoint.logs.get(message.partition())
            if partition_log is None:
                continue
            record = Record(message, partition_log.open(message.offset()), polled_us)
            if self._decoded(record) and self._joined(record, may_wait=True):
                ready.append(record)
        self._score(ready)

    def assigned(self, partitions: list[TopicPartition]) -> None:
        for each in partitions:
            self._checkpoint.close([each.partition])
            self._checkpoint.logs[each.partition] = PartitionLog(each.topic, each.partition, each.offset)

    async def revoked(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Finish what is in flight, as far as the time allows. Returns the offsets to commit."""
        numbers = [each.partition for each in partitions]
        loop, logs = asyncio.get_running_loop(), self._checkpoint.logs
        deadline = loop.time() + self._settings.drain_ms_max / 1e3
        while any(len(logs[each]) for each in numbers if each in logs) and loop.time() < deadline:
            await self._checkpoint.next_acknowledgements()
        offsets = self._checkpoint.offsets(numbers)
        self.lost(partitions)
        return offsets

    def lost(self, partitions: list[TopicPartition]) -> None:
        self._checkpoint.close([each.partition for each in partitions])

    def skipped(self, records: int) -> None:
        self._metrics.skipped.inc(records)

    def committed(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        self._checkpoint.committed(error, partitions)

    def too_much(self) -> bool:
        """More is open than the limits allow: the partitions should rest."""
        full = self._checkpoint.open_events >= self._settings.open_events_max
        return full or self.open_bytes >= self._settings.open_bytes_max

    # The steps of a record. Each returns whether it goes on to the next.

    def _decoded(self, record: Record) -> bool:
        message = record.message
        event = decode(message.key(), message.value(), message.headers(), message.timestamp()[1], self._limits)
        if isinstance(event, Refusal):
            self._outcomes.refused(record, event)
            return False
        if event.time_missing:
            self._metrics.missing_time.inc()
        record.event = event
        self.newest_time_us = max(self.newest_time_us, event.time_us)
        return True

    def _joined(self, record: Record, may_wait: bool) -> bool:
        try:
            prepared = self._query.prepare(record.event, self._rows)
        except Exception as error:
            self._outcomes.refused(record, Refusal(Reason.EVAL_ERROR, f"{type(error).__name__}: {error}"))
            return False
        if isinstance(prepared, NoMatch):
            self._unknown(record, prepared, may_wait)
            return False
        if isinstance(prepared, Filtered):
            self._outcomes.nothing(record, "filtered_joined" if prepared.joined else "filtered")
            return False
        record.rows = prepared
        return True

    def _score(self, records: list[Record]) -> None:
        """All that is left of what has just arrived goes out in one call."""
        if not records:
            return
        if self.client is None:
            for record in records:
                self._outcomes.matched(record, self._query.finish(record.event, record.rows, ()), None)
            return
        submitted_us = now_us()
        for record in records:
            record.submitted_us = submitted_us
            self.open_bytes += len(record.image)
        self.client.submit(records)

    # From the featurizer's client.

    def scored(self, record: Record, result: pb.ImageResult, response: pb.PredictResponse) -> None:
        self.open_bytes -= len(record.image)
        predictions = [(rank, each.label, each.score) for rank, each in enumerate(result.classes)]
        try:
            rows = self._query.finish(record.event, record.rows, predictions)
        except Exception as error:
            self._outcomes.refused(record, Refusal(Reason.EVAL_ERROR, f"{type(error).__name__}: {error}"))
            return
        self._outcomes.matched(record, rows, response)

    def refused(self, record: Record, reason: Reason, detail: str) -> None:
        self.open_bytes -= len(record.image)
        self._outcomes.refused(record, Refusal(reason, detail))

    # An event whose key no table knows waits until the table has passed the end that was seen when it arrived.

    def _unknown(self, record: Record, miss: NoMatch, may_wait: bool) -> None:
        if may_wait and self._settings.table_wait_ms_max and miss.key is not None:
            self._parked.append(record)
            if self._unparking is None:
                self._unparking = asyncio.create_task(self._unpark())
        elif self._pipeline.tables[miss.table].on_no_match == "dead-letter":
            detail = f"no row of {miss.table!r} has the key {miss.key!r}"
            self._outcomes.refused(record, Refusal(Reason.NO_MATCH, detail))
        else:
            self._outcomes.nothing(record, "no_match")

    async def _unpark(self) -> None:
        while self._parked:
            waiting, self._parked = self._parked, []
            wait_s = self._settings.table_wait_ms_max / 1e3
            await asyncio.gather(*(table.caught_up(wait_s) for table in self._tables.values()))
            self._score([record for record in waiting if self._joined(record, may_wait=False)])
        self._unparking = None
