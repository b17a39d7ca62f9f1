"""Tables read from their compacted topics: whole before the first event, then kept current beside the stream."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from services.common.lifecycle import Lifecycle
from sightline.events import Refusal
from sightline.io.kafka import admin, end_offsets, reader_config
from sightline.query.pipeline import Table
from sightline.query.tables import TableRows, infer_columns

log = logging.getLogger(__name__)

Refuse = Callable[[Message, Refusal], object]
Ends = dict[int, int]

POLL_S = 0.1
ASK_S = 2.0
RETRY_S = 0.2
RECORDS_MAX = 1_000


class TableReader(threading.Thread):
    """One table. The thread alone writes the rows; everything else happens on the event loop."""

    def __init__(self, name: str, table: Table, bootstrap_servers: str, partitions: int, rows_max: int) -> None:
        super().__init__(name=f"table-{name}", daemon=True)
        self._table_name, self._table, self._rows_max = name, table, rows_max
        self._partitions = [TopicPartition(table.topic, each, 0) for each in range(partitions)]
        self._consumer = Consumer(reader_config(bootstrap_servers))
        self._bootstrap_servers = bootstrap_servers
        self._admin = admin(bootstrap_servers)  # the consumer is the thread's, and busy
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._position: Ends = dict.fromkeys(range(partitions), 0)
        self._waiters: list[tuple[Ends, asyncio.Future[None]]] = []
        self._refuse: Refuse = lambda message, refusal: None
        self._failed: Callable[[BaseException], None] = lambda error: None
        self.rows: TableRows

    def load(self, refuse: Refuse) -> None:
        """Read to the ends as they are now, in the calling thread. Columns that are not declared are inferred."""
        started = time.monotonic()
        self._refuse = refuse
        self._consumer.assign(self._partitions)
        while (ends := self.ends()) is None:
            time.sleep(RETRY_S)
        records: list[Message] = []
        while not self._passed(ends):
            fresh = self._consumer.consume(RECORDS_MAX, POLL_S)
            self._note_position()
            records += [each for each in fresh if each.error() is None]
        if self._table.columns is None:
            self._table.columns = infer_columns(each.value() for each in records if each.value())
            self._table.columns.setdefault(self._table.key, "string")
        self.rows = TableRows(self._table_name, self._table, self._rows_max)
        self._apply(records)
        took = round(time.monotonic() - started, 3)
        log.info("table loaded", extra={"table": self._table_name, "rows": len(self.rows.rows), "seconds": took})

    def follow(self, lifecycle: Lifecycle) -> None:
        """Keep the rows current from now on."""
        self._failed = lifecycle.fail
        self.start()

    def stop(self) -> None:
        self._stopping.set()
        if self.ident:
            self.join()
        self._consumer.close()

    def row_count(self) -> int:
        return len(self.rows.rows)

    def conflict_count(self) -> int:
        return self.rows.conflicts

    def ends(self) -> Ends | None:
        """The end of each partition, asked of the broker. Blocks; None if there was no answer."""
        try:
            return end_offsets(self._admin, self._partitions, ASK_S)
        except KafkaException as error:
            log.warning("no end offsets", extra={"table": self._table_name, "why": error.args[0].str()})
            # After a broker's restart librdkafka's admin client asks with the leader epoch of before, for ever.
            self._admin = admin(self._bootstrap_servers)
            return None

    async def caught_up(self, timeout_s: float) -> None:
        """Returns once the rows hold everything that is in the topic now, or after `timeout_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                ends = await self._loop.run_in_executor(None, self.ends)
                if ends is not None and not self._passed(ends):
                    waiter: asyncio.Future[None] = self._loop.create_future()
                    self._waiters.append((ends, waiter))
                    await waiter

    def run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._apply(self._consumer.consume(1, POLL_S))
                self._apply(self._consumer.consume(RECORDS_MAX, 0))
                self._note_position()
                if self._waiters:
                    self._loop.call_soon_threadsafe(self._wake)
        except Exception as error:
            self._loop.call_soon_threadsafe(self._failed, error)

    def _note_position(self) -> None:
        """A compacted or transactional topic has offsets without records: the client's position passes them."""
        for each in self._consumer.position(self._partitions):
            if each.offset >= 0:
                self._position[each.partition] = each.offset

    def _passed(self, ends: Ends) -> bool:
        return self._stopping.is_set() or all(self._position[each] >= end for each, end in ends.items())

    def _wake(self) -> None:
        waiting = self._waiters
        self._waiters = [each for each in waiting if not self._passed(each[0])]
        for ends, waiter in waiting:
            if self._passed(ends) and not waiter.done():
                waiter.set_result(None)

    def _apply(self, records: list[Message]) -> None:
        for each in records:
            if each.error() is not None:
                log.warning("table reader", extra={"table": self._table_name, "why": str(each.error())})
                continue
            timestamp: Any = each.timestamp()[1]
            refusal = self.rows.apply(each.key(), each.value(), timestamp, each.partition())
            if refusal:
                self._loop.call_soon_threadsafe(self._refuse, each, refusal)
