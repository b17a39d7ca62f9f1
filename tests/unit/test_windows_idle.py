"""When a source partition is idle."""

from collections.abc import Callable, Sequence
from typing import Any

from services.stream_joiner.window_stage import SourceWindows
from sightline.query.windows.state import Closed

IDLE_S = 5.0


class Told:
    """An emitter that notes who is idle."""

    def __init__(self) -> None:
        self.idles: list[bool] = []

    def closed(self, windows: SourceWindows, groups: Sequence[Closed], safe: Callable[[], object]) -> None: ...
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
