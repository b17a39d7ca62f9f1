"""The loop over the input: scan, models, windows. The generated functions are those of the stream."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

from sightline.batch.chunks import Chunk, Partition
from sightline.batch.report import Report
from sightline.batch.windows import BatchWindows
from sightline.events import Reason, Refusal
from sightline.formats.timed import TimedRows, timed_rows
from sightline.query.compiling.query import Bound, Found, Query, ResultRow
from sightline.query.pipeline import Pipeline
from sightline.query.windows.state import WindowState

Answers = Sequence[Any]
"""Of one event, one a model call of the query: what the generated code reads."""


class Models(Protocol):
    def answers(self, images: Sequence[Sequence[bytes | None]]) -> Sequence[Answers | Refusal]:
        """`images` has a row an event, with the image of each call in it. A NULL image has the answer NULL."""
        ...


class _Entry(NamedTuple):
    """An argument of the query's `accumulate`: the rows of one event that go into windows."""

    time_us: int
    top_us: int
    offset: int
    late: int
    rows: Sequence[Any]


class Execution:
    """`models` is there if the query calls any."""

    def __init__(self, pipeline: Pipeline, query: Query, bound: Bound, models: Models | None, report: Report) -> None:
        self._query, self._bound, self._models, self._report = query, bound, models, report
        self._letters_for = {name for name, each in pipeline.tables.items() if each.on_no_match == "dead-letter"}

    def run(self, partitions: Iterable[Partition], future_us_max: float) -> Iterator[Sequence[ResultRow]]:
        """The result's rows, some at a time. Raises RowError for a row that can't be used, if none is allowed."""
        windowing = self._query.windowing
        windows = BatchWindows(self._query, windowing, self._report) if windowing else None
        waiting = iter(partitions)
        partition = next(waiting, None)
        following = next(waiting, None)
        alone = following is None
        while partition is not None:
            state = windows.begin() if windows else None
            for chunk in partition:
                yield self._chunk(chunk, state, future_us_max)
                if windows and state:
                    yield list(windows.closed(state, alone))
            if windows and state:
                yield list(windows.closed(state, alone, final=True))
            partition, following = following, next(waiting, None)
        if windows:
            yield list(windows.merged())

    def _chunk(self, chunk: Chunk, state: WindowState | None, future_us_max: float) -> Sequence[ResultRow]:
        report, found = self._report, Found()
        timed = timed_rows(chunk.source, chunk, self._query, future_us_max)
        self._bound.scan(timed.rows, timed.times_us, chunk.offsets, 0, found, state)
        report.rows += len(timed.rows)
        report.bytes += chunk.bytes
        report.filtered += found.filtered + found.joined_away
        refusals = dict(timed.refusals)
        for index, error in found.errors:
            refusals[index] = _eval_error(error)
        for index, table, key in found.unmatched:
            report.unmatched += 1
            if table in self._letters_for:
                refusals.setdefault(index, Refusal(Reason.NO_MATCH, f"no row of {table!r} has the key {key!r}"))
        results = self._scored(timed, chunk.offsets, found, state, refusals) if self._models else found.results
        if state:
            self._take_late(state, refusals)
        for index in sorted(refusals):
            report.refuse(chunk, index, refusals[index])
        return [row for _, rows in results for row in rows]

    def _take_late(self, state: WindowState, refusals: dict[int, Refusal]) -> None:
        for index in state.late:
            refusals[index] = Refusal(Reason.LATE, "its window was closed when it came")
        state.late = []

    def _scored(
        self,
        timed: TimedRows,
        offsets: Sequence[int],
        found: Found,
        state: WindowState | None,
        refusals: dict[int, Refusal],
    ) -> list[tuple[int, Sequence[Any]]]:
        """The rows of events whose models have answered; they go into the windows of `state`, if there are any."""
        rows, times = timed.rows, timed.times_us
        assert self._models and isinstance(rows, list)
        images: dict[int, Sequence[bytes | None]] = {}
        for index, _ in found.results:
            try:
                images[index] = self._bound.images(rows[index], times[index])
            except Exception as error:
                refusals[index] = _eval_error(error)
        answers = dict(zip(images, self._models.answers(list(images.values())), strict=True))
        results: list[tuple[int, Sequence[Any]]] = []
        for index, joined in found.results:
            answer = answers.get(index)
            if isinstance(answer, Refusal):
                refusals[index] = answer
            elif answer is not None:
                out: list[Any] = []
                try:
                    self._bound.finish(rows[index], times[index], joined, answer, out)
                except Exception as error:
                    refusals[index] = _eval_error(error)
                    continue
                if out:
                    results.append((index, out))
                else:
                    self._report.filtered += 1
        if state is None:
            return results
        tops = list(accumulate(times, max))
        self._bound.accumulate([_Entry(times[i], tops[i], offsets[i], i, each) for i, each in results], state)
        if tops:
            state.top_us = max(state.top_us, tops[-1])
        return []


def _eval_error(error: Exception) -> Refusal:
    return Refusal(Reason.EVAL_ERROR, f"{type(error).__name__}: {error}")
