"""One partition of the source: its records from poll to outcome, in offset order.

    held → decoded → scanned: predicates, joins → models → released in offset order → the sink, or windows
                        └ waits for a table that may only be behind

What a record gives is released when every record before it has been; only then does it go into windows.
"""

import time
from collections import deque
from collections.abc import Mapping

from services.stream_joiner.batch import HeldBatch
from services.stream_joiner.matching import Results, Scanned, now_us
from services.stream_joiner.parts import Parts
from services.stream_joiner.scored_events import Entry, ScoredEvents
from services.stream_joiner.sink import Output
from services.stream_joiner.window_stage import SourceWindows
from sightline.events import Reason, Refusal
from sightline.io.records import Batch
from sightline.offsets import PartitionLog
from sightline.query.compiling.query import Found


class SourcePartition:
    """Owned by the engine's owner."""

    def __init__(self, parts: Parts, log: PartitionLog[Output | Entry], windows: SourceWindows | None) -> None:
        self._parts, self.log, self.windows = parts, log, windows
        self._held: deque[HeldBatch] = deque()
        self._scored = ScoredEvents(parts, parts.scoring, log, windows, self._released) if parts.scoring else None
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
        limits, events = self._parts.limits, sum(map(len, self._held))
        held_bytes = sum(each.bytes for each in self._held)
        if scored := self._scored:
            if scored.asked + events >= limits.open_events_max:
                return True
            held_bytes += scored.image_bytes
        return len(self.log) + events >= limits.all_events_max or held_bytes >= limits.open_bytes_max

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
        self._pass_on(held, first, found)
        parts.outcomes.count("filtered", found.filtered)
        parts.outcomes.count("filtered_joined", found.joined_away)
        if held.index:
            self.log.passed(held.next_offset)
        if held.index == len(held):
            return True
        parts.tables.request_check(held.polled_s)
        return False

    def _pass_on(self, held: HeldBatch, first: int, found: Found) -> None:
        """What the events from `first` on give: to the models, or to the sink at once."""
        refused: dict[int, Refusal | None] = {}
        if found.errors or found.unmatched or found.added or held.refusals:
            refused = self._refused(held, first, found)
        if self._scored:
            records, self._top_us = self._scored.open(held, first, found.results, refused, self._top_us)
            self._scored.ask(records)
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
            outputs.append(outcomes.letter(held.batch.record(index), self.log, refusal))
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

    def _released(self) -> None:
        """Tell the windows how far they are; what gave no row drives them too, once all before it is in."""
        if self.windows:
            until = self.log.released_until
            self.windows.released(until, self._top_us if until == self.log.position else None)
