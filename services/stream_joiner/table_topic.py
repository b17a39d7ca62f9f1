"""Tables read from their compacted topics: whole before the first event, then kept current beside the stream."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from services.stream_joiner.live_table import LiveTable
from services.stream_joiner.settings import Settings
from services.stream_joiner.table_ends import Ends, EndsQuery
from sightline.events import Refusal
from sightline.formats.inference import infer_table
from sightline.io import clients
from sightline.io.kafka import TopicInfo, admin, reader_config
from sightline.io.table_topics import why_not
from sightline.query.pipeline import Table
from sightline.query.tables import Position, Snapshot, TableRows

log = logging.getLogger(__name__)

Refuse = Callable[[Message, Refusal], object]

POLL_S = 0.1
RETRY_S = 0.2
RECORDS_MAX = 1_000
LOAD_RECORDS_MAX = 20_000
"""A commit costs a sync where there is a snapshot, so before anybody looks up they are larger."""

YIELD_ROWS = 256
"""Rows after which other threads get their turn: about 0.6 ms of work. A stream that is busy all the time gives the
turn back after the interpreter's 5 ms, so this is also what bounds the updates a second then."""

SAVE_S = 5.0
INFERRED_RECORDS_MAX = 10_000


class TableReader(LiveTable):
    """One table. `complete_since` moves after a `request_check`. `refuse` is called on this thread."""

    def __init__(self, name: str, table: Table, topic: TopicInfo, settings: Settings, pipeline: str) -> None:
        super().__init__(name, table, settings)
        assert table.topic is not None
        self._partitions = [TopicPartition(table.topic, each, 0) for each in range(topic.partitions)]
        self._consumer = clients.Consumer(reader_config(settings.brokers) | {"enable.partition.eof": True})
        self._ends = EndsQuery(settings.brokers, self._partitions, self._answered)
        self._position: Ends = dict.fromkeys(range(topic.partitions), 0)
        self._pending: list[tuple[float, Ends]] = []
        self._progress = threading.Lock()
        self._complete_ms = 0
        self._next_save = 0.0
        self._snapshot = (
            Snapshot(settings.state_dir / "tables" / pipeline / name, topic.topic_id) if settings.state_dir else None
        )
        self._refuse: Refuse = lambda message, refusal: None
        self.complete_since = -1.0

    def load(self, refuse: Refuse) -> None:
        """Read to the ends as they are now, in the calling thread. Columns that are not declared are inferred."""
        started, self._refuse = time.monotonic(), refuse
        self._begin()
        ends = self._ends_now()
        first: list[Message] = []
        if self._table.columns is None:
            first = self._infer(ends)
        self.rows = TableRows(
            self._table_name,
            self._table,
            self._settings.table_limits,
            partitions=len(self._partitions),
            snapshot=self._snapshot,
        )
        resumed, read = self.rows.position is not None, len(first)
        if not resumed and self._snapshot and any(self._position.values()) and not first:
            # Its rows turned out to be of other columns.
            self._complete_ms = round(time.time() * 1e3)
            self._assign(dict.fromkeys(self._position, 0))
        self._apply(first)
        while not self._stopping.is_set() and not self._passed(ends):
            read += self._step(LOAD_RECORDS_MAX)
        self._note_complete(started)
        self.rows.save()
        self.rows.refresh()
        log.info(
            "table loaded",
            extra={
                "table": self._table_name,
                "rows": self.rows.row_count,
                "records_read": read,
                "from_snapshot": resumed,
                "on_disk": self.rows.on_disk,
                "seconds": round(time.monotonic() - started, 3),
            },
        )

    def stop(self) -> None:
        super().stop()
        self._consumer.close()

    def request_check(self, now: float) -> None:
        if self.complete_since < now:
            self._ends.ask(now)

    def _keep_current(self) -> None:
        self._step(RECORDS_MAX)
        self._save_sometimes()

    def _step(self, records_max: int) -> int:
        """Apply what has arrived, commit it with its position, tell who waits for it. Returns the records."""
        records = self._consumer.consume(1, POLL_S)
        if records:
            records += self._consumer.consume(records_max - 1, 0)
        read, position = self._apply(records), self._next_position(records)
        if read:
            self.rows.commit(position, complete_ms=self._complete_ms)
        self._position = position  # seen by `_answered`: only what is committed counts
        with self._progress:
            reached = [asked for asked, ends in self._pending if self._passed(ends)]
            self._pending = [each for each in self._pending if each[0] not in reached]
        if reached:
            self._note_complete(max(reached))
        return read

    def _apply(self, records: list[Message]) -> int:
        read = 0
        for each in records:
            error = each.error()
            if error is not None:
                if error.code() != KafkaError._PARTITION_EOF:
                    log.warning("table reader", extra={"table": self._table_name, "why": str(error)})
                continue
            timestamp: Any = each.timestamp()[1]
            read += 1
            if refusal := self.rows.apply(each.key(), each.value(), timestamp, each.partition()):
                self._refuse(each, refusal)
            if read % YIELD_ROWS == 0:
                time.sleep(0)
        return read

    def _next_position(self, records: list[Message]) -> Ends:
        """A transactional topic has offsets without records: the end of a partition is told apart from its last."""
        position = dict(self._position)
        for each in self._consumer.position(self._partitions):
            if each.offset >= 0:
                position[each.partition] = max(position[each.partition], each.offset)
        for message in records:
            error, number, offset = message.error(), message.partition(), message.offset()
            if error is not None and error.code() == KafkaError._PARTITION_EOF and number is not None and offset:
                position[number] = max(position[number], offset)
        return position

    def _answered(self, asked: float, ends: Ends) -> None:
        with self._progress:
            passed = self._passed(ends)
            if not passed:
                self._pending.append((asked, ends))
        if passed:
            self._note_complete(asked)

    def _passed(self, ends: Ends) -> bool:
        return all(self._position[each] >= end for each, end in ends.items())

    def _note_complete(self, asked: float) -> None:
        self.complete_since = max(self.complete_since, asked)
        self._complete_ms = round((time.time() - (time.monotonic() - self.complete_since)) * 1e3)

    def _save_sometimes(self) -> None:
        """Every few seconds: how current the rows are, and the rows themselves where they are in memory."""
        now = time.monotonic()
        if self._snapshot and now >= self._next_save:
            self._next_save = now + SAVE_S
            self.request_check(now)
            self.rows.commit(self._position, complete_ms=self._complete_ms)
            self.rows.save()

    # Where to begin.

    def _begin(self) -> None:
        position = self._snapshot.position if self._snapshot else None
        self._complete_ms = round(time.time() * 1e3)
        if self._snapshot and position:
            if why := self._why_not(position):
                self._snapshot.drop(why)
                position = None
            else:
                self._complete_ms = position.complete_ms
                self._table.columns = self._table.columns or self._snapshot.columns
        self._assign(position.offsets if position else dict.fromkeys(self._position, 0))

    def _why_not(self, position: Position) -> str | None:
        client = admin(self._settings.brokers)
        while True:
            try:
                return why_not(client, self._consumer, self._partitions, position, time.time() * 1e3)
            except KafkaException as error:
                log.warning("waiting for Kafka", extra={"table": self._table_name, "why": error.args[0].str()})
                time.sleep(RETRY_S)

    def _assign(self, offsets: Ends) -> None:
        self._position = dict(offsets)
        topic = self._partitions[0].topic
        self._consumer.assign([TopicPartition(topic, each, offset) for each, offset in offsets.items()])

    def _ends_now(self) -> Ends:
        while (ends := self._ends.wait()) is None:
            time.sleep(RETRY_S)
        return ends

    def _infer(self, ends: Ends) -> list[Message]:
        """The first records, by which the columns are known."""
        records: list[Message] = []
        while len(records) < INFERRED_RECORDS_MAX and not self._passed(ends):
            fresh = self._consumer.consume(RECORDS_MAX, POLL_S)
            self._position = self._next_position(fresh)
            records += [each for each in fresh if each.error() is None]
        self._table.columns = infer_table((each.value() for each in records), self._table, INFERRED_RECORDS_MAX)
        return records
