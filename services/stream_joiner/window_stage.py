"""The windows of one source partition; what they give goes to an emitter."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from services.stream_joiner.in_order import InOrder
from sightline.query.windows.records import ChangelogRecord
from sightline.query.windows.spec import NEVER_US
from sightline.query.windows.state import Closed, WindowState


class Emitter(Protocol):
    """`safe` is called once all that came of the groups is acknowledged."""

    merging: bool
    """Partitions are merged where it sends to, and those that are idle left out there."""

    def closed(self, windows: "SourceWindows", groups: Sequence[Closed], safe: Callable[[], object]) -> None: ...

    def advanced(self, windows: "SourceWindows") -> None:
        """Rows came, and no group was closed."""
        ...

    def changed(self, windows: "SourceWindows", groups: Sequence[Closed]) -> None: ...

    def idle(self, windows: "SourceWindows", is_idle: bool) -> None: ...


class SourceWindows:
    """Stage 1 of one source partition. `position` is the offset below which all is in `state`.

    `exactly_once`: what comes of closed windows goes out together with the checkpoint that closes them.
    """

    def __init__(
        self,
        partition: int,
        state: WindowState,
        position: int,
        emitter: Emitter,
        idle_s: float,
        exactly_once: bool = False,
    ) -> None:
        self.partition, self.state, self.position = partition, state, position
        self._exactly_once = exactly_once
        self._emitter, self._idle_s = emitter, idle_s
        self._quiet_since_s: float | None = None
        self.is_idle: bool | None = None
        """None: the one who had the partition before may have said either."""
        self.announced_us = NEVER_US
        """Windows that start until here are closed, and who waits for us was told."""
        self._followed_us = self._safe_us = NEVER_US
        self.sent = InOrder()

    def replaying(self, offset: int) -> bool:
        """Rows from `offset` on may be in the state already."""
        return offset < self.state.replay_until

    def take_late(self) -> list[Any]:
        """What is known of the rows that were late since the last call."""
        late, self.state.late = self.state.late, []
        return late

    def released(self, position: int, top_us: int | None) -> None:
        """Everything below `position` is in the state. `top_us`: the event times seen, where nothing is open."""
        self.position = position
        if top_us is not None and top_us > self.state.top_us:
            self.state.top_us = top_us
        self._close()

    def heard(self) -> None:
        """A record came: the partition is not idle."""
        self._quiet_since_s = None
        if self.is_idle is not False:
            self.is_idle = False
            self._emitter.idle(self, False)

    def check_idle(self, now_s: float, caught_up: bool) -> None:
        """`caught_up`: a broker said a moment ago that there is nothing to read."""
        if not caught_up:
            self._quiet_since_s = None
        elif self._quiet_since_s is None:
            self._quiet_since_s = now_s
        elif not self.is_idle and now_s - self._quiet_since_s >= self._idle_s:
            self.is_idle = True
            self._emitter.idle(self, True)

    @property
    def following(self) -> bool:
        """Event time was driven by others, and no checkpoint that says so is safe."""
        return self._followed_us > self._safe_us

    def follow(self, watermark_us: int) -> None:
        """An idle partition's windows are closed by `watermark_us`, that of others, if nobody merges them."""
        if self._emitter.merging or not self.is_idle:
            return
        if not self.following and self.state.closes(watermark_us):
            self._followed_us = self.state.advance(watermark_us)
        self._close()

    def saved(self, top_us: int) -> None:
        """A checkpoint with this largest event time is safe."""
        followed, self._safe_us = self.following, top_us
        if followed:
            self._close()

    def _close(self) -> None:
        """What others closed comes out only once that is safe: rows of the partition may still come, and must find
        their window closed after a crash too."""
        if self.following and not self._exactly_once:
            return
        if groups := self.state.close():
            self._emitter.closed(self, groups, lambda: self.state.forget((each.start_us, each.key) for each in groups))
        else:
            self._emitter.advanced(self)

    def checkpoint(self, emit_changes: bool) -> list[ChangelogRecord]:
        """The changelog's records of the state at `position`; first, in update mode, what has changed is emitted."""
        if emit_changes and (changed := self.state.changed()):
            self._emitter.changed(self, changed)
        return self.state.checkpoint(self.position)
