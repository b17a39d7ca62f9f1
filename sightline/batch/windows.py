"""Windows of input that has an end: each partition's by its own watermark, merged, all closed at the end."""

from collections.abc import Iterable, Iterator
from typing import Any

from sightline.batch.report import Report
from sightline.events import Reason, Refusal, format_time_us
from sightline.query.compiling.query import Query, ResultRow
from sightline.query.windows.state import Closed, WindowState
from sightline.query.windows.windowing import Windowing


class BatchWindows:
    """Of one partition after the other. With one alone a window's rows are given as soon as it is closed."""

    def __init__(self, query: Query, windowing: Windowing, report: Report) -> None:
        self._query, self._windowing, self._report = query, windowing, report
        self._merged: dict[int, dict[Any, Any]] = {}

    def begin(self) -> WindowState:
        return WindowState(self._windowing)

    def closed(self, state: WindowState, alone: bool, final: bool = False) -> Iterator[ResultRow]:
        """What the watermark has closed since the last call, `final`: what is left. Call it after each chunk."""
        groups = state.close(final)
        state.forget((each.start_us, each.key) for each in groups)
        state.drop_changes()
        if alone:
            yield from self._rows(groups)
            return
        merge = self._windowing.aggregation.merge
        for each in groups:
            keys = self._merged.setdefault(each.start_us, {})
            if each.key in keys:
                merge(keys[each.key], each.accumulator)
            else:
                keys[each.key] = each.accumulator

    def merged(self) -> Iterator[ResultRow]:
        """After the last partition."""
        for start in sorted(self._merged):
            yield from self._rows(Closed(start, key, acc) for key, acc in self._merged.pop(start).items())

    def _rows(self, groups: Iterable[Closed]) -> Iterator[ResultRow]:
        """Those that HAVING lets pass."""
        size_us, result = self._windowing.spec.size_us, self._windowing.aggregation.result
        for start, key, accumulator in groups:
            try:
                row = self._query.project(start, start + size_us, key, result(accumulator))
            except Exception as error:
                what = f"the window of {format_time_us(start)}, group {key!r}"
                refusal = Refusal(Reason.EVAL_ERROR, f"{type(error).__name__}: {error}")
                self._report.refuse_group(what, refusal)
                continue
            if row is not None:
                yield row
