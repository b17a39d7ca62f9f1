"""One partition of the source: its records from poll to outcome, in offset order.

    held → decoded → scanned: predicates, joins → models → released in offset order → the sink, or windows
                        └ waits for a table that may only be behind

What a record gives is released when every record before it has been; only then does it go into windows.
"""

import time
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from services.stream_joiner.batch import HeldBatch
from services.stream_joiner.outcomes import Place, Times, now_us
from services.stream_joiner.parts import Parts
from services.stream_joiner.records import Record
from services.stream_joiner.sink import Output
from services.stream_joiner.window_stage import SourceWindows
from sightline.events import Reason, Refusal
from sightline.io.records import Batch, Raw
from sightline.offsets import PartitionLog, Slot
from sightline.query.compiling.query import Found


class Entry(NamedTuple):
    """The rows of one event that wait to go into windows: arguments of the query's `accumulate`."""

    time_us: int
    top_us: int
    offset: int
    late: Raw
    rows: Sequence[Any]


class SourcePartition:
    """Owned by the engine's owner."""

    def __init__(self, parts: Parts, log: PartitionLog[Output | Entry], windows: SourceWindows | None) -> None:
        self._parts, self.log, self.windows = parts, log, windows
        self._held: deque[HeldBatch] = deque()
        self._asked, self._open_bytes = 0, 0
        self._end = log.position
        # Event times seen by the scan, which is ahead of the windows while models are asked.
        self._top_us = windows.state.top_us if windows else 0

    # From Kafka.

    def received(self, batch: Batch) -> None:
        if self.windows:
            self.windows.heard()
        self._held.append(HeldBatch(batch, now_us(), self._parts))
        if len(self._held) == 1:
            self.work()

    def ended(self, offset: int) -> None:
        """All records below `offset` have been received."""
        self._end = offset
        self.work()

    def work(self) -> None:
        """Scan what is held, as far as the tables allow."""
        while self._held and self._scan(self._held[0]):
            self._held.popleft()
        if not self._held:
            self.log.passed(self._end)
        self._released()

    @property
    def waiting(self) -> bool:
        """An event waits for a table."""
        return bool(self._held)

    @property
    def settled(self) -> bool:
        """Nothing that was received is open."""
        return not self._held and not len(self.log)

    @property
    def too_much(self) -> bool:
        """More is open than the limits allow: the partition should rest."""
        limits, held = self._parts.limits, sum(map(len, self._held))
        full = len(self.log) + held >= limits.all_events_max
        if self._parts.scoring:
            full = full or self._asked + held >= limits.open_events_max
        return full or self._open_bytes + sum(each.batch.bytes for each in self._held) >= limits.open_bytes_max

    @property
    def newest_us(self) -> int:
        """The newest event time that was scanned."""
        return self._top_us

    def close(self) -> None:
        """The partition is no longer ours."""
        self._held.clear()
        self.log.close()

    # The steps of a batch.

    def _scan(self, held: HeldBatch) -> bool:
        """Whether it was scanned to its end."""
        parts, first = self._parts, held.index
        parts.tables.refresh()
        found = Found(waiting=not parts.tables.complete(held.polled_s, time.monotonic()))
        state = self.windows.state if self.windows else None
        scan = parts.bound.replay if self.windows and self.windows.replaying(held.offsets[0]) else parts.bound.scan
        held.index = scan(held.rows, held.times_us, held.offsets, first, found, state)
        self._count(found)
        self._open(held, first, found)
        if held.index < len(held):
            parts.tables.request_check(held.polled_s)
        if held.index:
            self.log.passed(held.next_offset)
        return held.index == len(held)

    def _count(self, found: Found) -> None:
        outcomes = self._parts.outcomes
        outcomes.count("filtered", found.filtered)
        outcomes.count("filtered_joined", found.joined_away)

    def _open(self, held: HeldBatch, first: int, found: Found) -> None:
        """Slots, in offset order, for all events that give something; then what they give."""
        parts, given = self._parts, dict[int, Any](found.results)
        for index, error in found.errors:
            given[index] = Refusal(Reason.EVAL_ERROR, f"{type(error).__name__}: {error}")
        for index, refusal in held.refusals.items():
            if first <= index < held.index:
                given[index] = refusal
        for index, table, key in found.unmatched:
            if parts.pipeline.tables[table].on_no_match == "dead-letter":
                given[index] = Refusal(Reason.NO_MATCH, f"no row of {table!r} has the key {key!r}")
            elif index not in given:
                parts.outcomes.count("no_match")
        late = self.windows.take_late() if self.windows and not parts.scoring else ()
        for index in late:
            given[index] = None
        parts.outcomes.count("windowed", found.added - len(late))
        records: list[Record] = []
        top_us, seen = self._top_us, first
        submitted_us = now_us()
        for index in sorted(given) if len(given) > len(found.results) else given:
            slot = self.log.open(held.offsets[index])
            what = given[index]
            if what is None:
                self._finish(slot, [parts.outcomes.late(held.batch.record(index), self._place(slot))])
            elif isinstance(what, Refusal):
                self._finish(slot, [parts.outcomes.refused(held.batch.record(index), self._place(slot), what)])
            else:
                times = Times(held.times_us[index], held.polled_us, submitted_us)
                if parts.scoring is None:
                    matches = parts.outcomes.matches(what, held.rows[index], self._place(slot), times, None)
                    self._finish(slot, matches)
                    continue
                top_us = max(top_us, *held.times_us[seen : index + 1])
                seen = index + 1
                records.append(self._record(slot, held, index, times, top_us, what))
        if held.index > seen:
            top_us = max(top_us, *held.times_us[seen : held.index])
        self._top_us = top_us
        if records:
            assert parts.scoring
            parts.scoring.submit(records)

    def _record(
        self, slot: Slot[Any], held: HeldBatch, index: int, times: Times, top_us: int, joined: Sequence[Any]
    ) -> Record:
        record = Record(slot, held.rows[index], times, top_us, joined)
        record.images = self._parts.bound.images(record.row, times.event_us)
        record.raw = held.batch.record(index)
        record.done = self._scored
        self._asked += 1
        self._open_bytes += record.image_bytes
        return record

    def _scored(self, record: Record) -> None:
        self._asked -= 1
        self._open_bytes -= record.image_bytes
        if self.log.closed:
            return
        place, outcomes = self._place(record.slot), self._parts.outcomes
        out: list[Any] = []
        refusal = record.refusal
        if refusal is None:
            try:
                self._parts.bound.finish(record.row, record.times.event_us, record.joined, record.answers, out)
            except Exception as error:
                refusal = Refusal(Reason.EVAL_ERROR, f"{type(error).__name__}: {error}")
        if refusal:
            self._finish(record.slot, [outcomes.refused(record.raw, place, refusal)])
        elif not out:
            outcomes.count("rejected")
            self._finish(record.slot, [])
        elif self.windows:
            outcomes.count("windowed")
            entry = Entry(record.times.event_us, record.top_us, record.slot.offset, record.raw, out)
            self._finish(record.slot, [entry])
        else:
            self._finish(record.slot, outcomes.matches(out, record.row, place, record.times, record.answered))

    def _finish(self, slot: Slot[Output | Entry], outputs: Sequence[Output | Entry]) -> None:
        """Release what has become complete: to the sink, or into the windows."""
        entries: list[Entry] = []
        waiting: list[Slot[Output | Entry]] = []
        for released in slot.finish(outputs):
            for each in released.outputs or ():
                if isinstance(each, Entry):
                    entries.append(each)
                    waiting.append(released)
                else:
                    self._parts.sink.send(each, released.acknowledge)
        if entries:
            self._accumulate(entries, waiting)
        self._released()

    def _accumulate(self, entries: Sequence[Entry], slots: Sequence[Slot[Output | Entry]]) -> None:
        assert self.windows
        self._parts.bound.accumulate(entries, self.windows.state)
        late = {raw.offset: raw for raw in self.windows.take_late()}
        for slot in slots:
            if (raw := late.get(slot.offset)) is None:
                slot.acknowledge()
            else:
                self._parts.sink.send(self._parts.outcomes.late(raw, self._place(slot)), slot.acknowledge)

    def _released(self) -> None:
        """Tell the windows how far they are; what gave no row drives them too, once all before it is in."""
        if self.windows:
            until = self.log.released_until
            self.windows.released(until, self._top_us if until == self.log.position else None)

    def _place(self, slot: Slot[Any]) -> Place:
        return Place(self.log.topic, self.log.partition, slot.offset)
