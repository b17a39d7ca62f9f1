"""One partition of the source: its records from poll to outcome, in offset order.

    held → decoded → scanned: predicates, joins → models → released in offset order → the sink, or windows
                        └ waits for a table that may only be behind

What a record gives is released when every record before it has been; only then does it go into windows.
"""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from services.stream_joiner.batch import HeldBatch
from services.stream_joiner.matching import Results, Scanned, now_us
from services.stream_joiner.outcomes import Place
from services.stream_joiner.parts import Parts
from services.stream_joiner.records import Record, Times
from services.stream_joiner.sink import Output
from services.stream_joiner.window_stage import SourceWindows
from sightline.events import Event, Reason, Refusal
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
        self._open(held, first, found)
        parts.outcomes.count("filtered", found.filtered)
        parts.outcomes.count("filtered_joined", found.joined_away)
        if held.index:
            self.log.passed(held.next_offset)
        if held.index == len(held):
            return True
        parts.tables.request_check(held.polled_s)
        return False

    def _open(self, held: HeldBatch, first: int, found: Found) -> None:
        """What the events from `first` on give."""
        refused: dict[int, Refusal | None] = {}
        if found.errors or found.unmatched or found.added or held.refusals:
            refused = self._refused(held, first, found)
        if self._parts.scoring:
            self._score(held, first, found.results, refused)
            return
        if found.results or refused:
            self._send(held, found.results, refused)
        if held.index > first:
            self._top_us = max(self._top_us, held.newest_us(first))

    def _refused(self, held: HeldBatch, first: int, found: Found) -> dict[int, Refusal | None]:
        """By index in their order, None where an event was late."""
        parts, refused = self._parts, dict[int, Refusal | None]()
        for index, error in found.errors:
            refused[index] = Refusal(Reason.EVAL_ERROR, f"{type(error).__name__}: {error}")
        for index, refusal in held.refusals.items():
            if first <= index < held.index:
                refused[index] = refusal
        for index, table, key in found.unmatched:
            if parts.pipeline.tables[table].on_no_match == "dead-letter":
                refused[index] = Refusal(Reason.NO_MATCH, f"no row of {table!r} has the key {key!r}")
            else:
                parts.outcomes.count("no_match")
        late = dict.fromkeys(self.windows.take_late() if self.windows and not parts.scoring else ())
        refused |= late
        parts.outcomes.count("windowed", found.added - len(late))
        return dict(sorted(refused.items()))

    def _send(self, held: HeldBatch, results: Results, refused: Mapping[int, Refusal | None]) -> None:
        """No model is asked, so whatever came before has been released: this is too, in one step."""
        outputs: list[Output] = []
        outcomes, scanned = self._parts.outcomes, self._scanned(held)
        if results:
            outputs = outcomes.matches(results, scanned, None)
        for index, refusal in refused.items():
            outputs.append(self._letter(held.batch.record(index), refusal))
        first = results[0][0] if results else len(held)
        if refused:
            first = min(first, next(iter(refused)))
        slot = self.log.release(held.offsets[first], len(results) + len(refused), len(outputs))
        self._parts.sink.send_all(outputs, slot.acknowledge_all)
        if results:
            outcomes.matched(results, scanned)

    def _scanned(self, held: HeldBatch) -> Scanned:
        log = self.log
        done_us = now_us()
        return Scanned(
            log.topic, log.partition, held.events, held.times_us, held.offsets, held.polled_us, done_us, done_us
        )

    def _letter(self, raw: Raw, refusal: Refusal | None) -> Output:
        place, outcomes = Place(self.log.topic, self.log.partition, raw.offset), self._parts.outcomes
        return outcomes.refused(raw, place, refusal) if refusal else outcomes.late(raw, place)

    def _score(self, held: HeldBatch, first: int, results: Results, refused: Mapping[int, Refusal | None]) -> None:
        """Slots, in offset order, for all events that give something; then the models are asked."""
        assert self._parts.scoring
        given: dict[int, Any] = dict(results) | dict(refused)
        records: list[Record] = []
        top_us, seen, submitted_us = self._top_us, first, now_us()
        for index in sorted(given):
            slot, what = self.log.open(held.offsets[index]), given[index]
            if index in refused:
                self._finish(slot, [self._letter(held.batch.record(index), what)])
                continue
            top_us = max(top_us, *held.times_us[seen : index + 1])
            seen = index + 1
            times = Times(held.times_us[index], held.polled_us, submitted_us)
            records.append(self._record(slot, held, index, times, top_us, what))
        if held.index > seen:
            top_us = max(top_us, *held.times_us[seen : held.index])
        self._top_us = top_us
        if records:
            self._parts.scoring.submit(records)

    def _record(
        self, slot: Slot[Any], held: HeldBatch, index: int, times: Times, top_us: int, joined: Sequence[Any]
    ) -> Record:
        assert isinstance(held.rows, list)
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
        outcomes, times, log, offset = self._parts.outcomes, record.times, self.log, record.slot.offset
        out: list[Any] = []
        refusal = record.refusal
        if refusal is None:
            try:
                self._parts.bound.finish(record.row, times.event_us, record.joined, record.answers, out)
            except Exception as error:
                refusal = Refusal(Reason.EVAL_ERROR, f"{type(error).__name__}: {error}")
        if refusal:
            self._finish(record.slot, [self._letter(record.raw, refusal)])
        elif not out:
            outcomes.count("rejected")
            self._finish(record.slot, [])
        elif self.windows:
            outcomes.count("windowed")
            self._finish(record.slot, [Entry(times.event_us, record.top_us, offset, record.raw, out)])
        else:
            events = [record.row] if isinstance(record.row, Event) else None
            alone = Scanned(log.topic, log.partition, events, [times.event_us], [offset], *times[1:], now_us())
            self._finish(record.slot, outcomes.matches([(0, out)], alone, record.answered))
            outcomes.matched([(0, out)], alone)

    def _finish(self, slot: Slot[Output | Entry], outputs: Sequence[Output | Entry]) -> None:
        """Release what has become complete: to the sink, or into the windows."""
        entries: list[Entry] = []
        waiting: list[Slot[Output | Entry]] = []
        for released in slot.finish(outputs):
            sent: list[Output] = []
            for each in released.outputs or ():
                if isinstance(each, Entry):
                    entries.append(each)
                    waiting.append(released)
                else:
                    sent.append(each)
            if sent:
                self._parts.sink.send_all(sent, released.acknowledge_all)
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
                self._parts.sink.send(self._letter(raw, None), slot.acknowledge)

    def _released(self) -> None:
        """Tell the windows how far they are; what gave no row drives them too, once all before it is in."""
        if self.windows:
            until = self.log.released_until
            self.windows.released(until, self._top_us if until == self.log.position else None)
