"""When a source partition is idle."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from services.stream_joiner.window_stage import SourceWindows
from sightline.query.windows.spec import WindowSpec
from sightline.query.windows.state import Closed, WindowState
from tests.unit.windows_model import Row, loop, shape

IDLE_S = 5.0


class Told:
    """An emitter that notes who is idle."""

    merging = False

    def __init__(self) -> None:
        self.idles: list[bool] = []
        self.starts: list[int] = []
        """Of the groups that were closed."""

    def closed(self, windows: SourceWindows, groups: Sequence[Closed], safe: Callable[[], object]) -> None:
        self.starts += [each.start_us for each in groups]

    def advanced(self, windows: SourceWindows) -> None: ...
    def changed(self, windows: SourceWindows, groups: Sequence[Closed]) -> None: ...

    def idle(self, windows: SourceWindows, is_idle: bool) -> None:
        self.idles.append(is_idle)


def partition() -> tuple[SourceWindows, list[bool]]:
    told, state = Told(), Any
    return SourceWindows(0, state, 0, told, IDLE_S), told.idles  # type: ignore[arg-type]


def test_idle_after_silence_at_the_end_of_the_partition() -> None:
    windows, idles = partition()
    for now_s in (0.0, 4.9):
        windows.check_idle(now_s, caught_up=True)
    assert idles == []
    for now_s in (5.0, 20.0):
        windows.check_idle(now_s, caught_up=True)
    assert idles == [True]


def test_nobody_is_idle_who_may_have_records_to_read() -> None:
    windows, idles = partition()
    windows.check_idle(0.0, caught_up=True)
    windows.check_idle(4.0, caught_up=False)
    windows.check_idle(6.0, caught_up=True)
    windows.check_idle(10.9, caught_up=True)
    assert idles == []
    windows.check_idle(11.0, caught_up=True)
    assert idles == [True]


def test_a_record_ends_it() -> None:
    windows, idles = partition()
    for now_s in (0.0, 5.0):
        windows.check_idle(now_s, caught_up=True)
    windows.heard()
    windows.heard()
    assert idles == [True, False]
    for now_s in (6.0, 10.9):
        windows.check_idle(now_s, caught_up=True)
    assert idles == [True, False]
    windows.check_idle(11.0, caught_up=True)
    assert idles == [True, False, True]


@pytest.mark.parametrize("exactly_once", [False, True])
def test_windows_that_others_close(exactly_once: bool) -> None:
    """At least once they come out when the checkpoint that closes them is safe, exactly once together with it."""
    shaped = shape(WindowSpec(size_us=10, slide_us=10))
    _, run = loop(shaped)
    told, state = Told(), WindowState(shaped)
    windows = SourceWindows(0, state, 0, told, IDLE_S, exactly_once)
    run(state, [(0, Row(1, "a", 5))])
    windows.released(1, None)
    windows.follow(30)
    assert not windows.following, "it is not idle"
    for now_s in (0.0, IDLE_S):
        windows.check_idle(now_s, caught_up=True)
    windows.follow(5)
    assert not windows.following, "nothing would be closed"
    windows.follow(10)
    assert windows.following
    first = state.top_us
    run(state, [(1, Row(12, "b", 6)), (2, Row(25, "c", 7))])
    windows.released(3, None)
    assert told.starts == [0, 10] * exactly_once, "what the next checkpoint closes comes with it"
    windows.saved(first)
    assert told.starts == [0, 10]
    assert not windows.following
    run(state, [(3, Row(2, "a", 8))])
    assert len(windows.take_late()) == 1
