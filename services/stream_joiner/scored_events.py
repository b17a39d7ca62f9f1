"""Events of one partition from their scan to their models' answers, and on: released in offset order, whichever answer
comes first, to the sink or into windows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from services.stream_joiner.batch import HeldBatch
from services.stream_joiner.matching import Results, Scanned, now_us
from services.stream_joiner.parts import Parts
from services.stream_joiner.records import Record, Times
from services.stream_joiner.scoring import Scoring
from services.stream_joiner.sink import Output
from services.stream_joiner.window_stage import SourceWindows
from sightline.events import Event, Reason, Refusal
from sightline.io.records import Raw
from sightline.offsets import PartitionLog, Slot


class Entry(NamedTuple):
    """The rows of one event that wait to go into windows: arguments of the query's `accumulate`."""

    time_us: int
    top_us: int
    offset: int
    late: Raw
    rows: Sequence[Any]


class ScoredEvents:
    """`asked` counts events that wait for answers, `image_bytes` their images.

    `released` is called where outputs have been released; they may be none.
    """

    def __init__(
        self,
        parts: Parts,
        scoring: Scoring,
        log: PartitionLog[Output | Entry],
        windows: SourceWindows | None,
        released: Callable[[], None],
    ) -> None:
        self._parts, self._scoring, self._log, self._windows = parts, scoring, log, windows
        self._released = released
        self.asked, self.image_bytes = 0, 0

    def open(
        self, held: HeldBatch, first: int, results: Results, refused: Mapping[int, Refusal | None], top_us: int
    ) -> tuple[list[Record], int]:
        """Slots, in offset order, for all events from the index `first` on that give something.

        Returns those to `ask` for, and the newest event time, which was `top_us` before.
        """
        given: dict[int, Any] = dict(results) | dict(refused)
        records: list[Record] = []
        seen, submitted_us = first, now_us()
        for index in sorted(given):
            slot, what = self._log.open(held.offsets[index]), given[index]
            if index in refused:
                self._finish(slot, [self._letter(held.batch.record(index), what)])
                continue
            top_us = max(top_us, *held.times_us[seen : index + 1])
            seen = index + 1
            times = Times(held.times_us[index], held.polled_us, submitted_us)
            records.append(self._record(slot, held, index, times, top_us, what))
        if held.index > seen:
            top_us = max(top_us, *held.times_us[seen : held.index])
        return records, top_us

    def ask(self, records: Sequence[Record]) -> None:
        """Ask the models; answers may be there at once."""
        if records:
            self._scoring.submit(records)

    def _record(
        self, slot: Slot[Any], held: HeldBatch, index: int, times: Times, top_us: int, joined: Sequence[Any]
    ) -> Record:
        assert isinstance(held.rows, list)
        record = Record(slot, held.rows[index], times, top_us, joined)
        record.images = self._parts.bound.images(record.row, times.event_us)
        record.raw = held.batch.record(index)
        record.done = self._scored
        self.asked += 1
        self.image_bytes += record.image_bytes
        return record

    def _scored(self, record: Record) -> None:
        self.asked -= 1
        self.image_bytes -= record.image_bytes
        if self._log.closed:
            return
        outcomes, times, log, offset = self._parts.outcomes, record.times, self._log, record.slot.offset
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
        elif self._windows:
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
        assert self._windows
        self._parts.bound.accumulate(entries, self._windows.state)
        late = {raw.offset: raw for raw in self._windows.take_late()}
        for slot in slots:
            if (raw := late.get(slot.offset)) is None:
                slot.acknowledge()
            else:
                self._parts.sink.send(self._letter(raw, None), slot.acknowledge)

    def _letter(self, raw: Raw, refusal: Refusal | None) -> Output:
        return self._parts.outcomes.letter(raw, self._log, refusal)
