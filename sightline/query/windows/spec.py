"""Which windows an event time belongs to, and when a window is closed. Times are µs since the epoch, UTC."""

from dataclasses import dataclass
from typing import Literal

NEVER_US = -(2**63)
"""A watermark before any row was seen."""

Emit = Literal["append", "update"]


@dataclass(frozen=True, kw_only=True)
class WindowSpec:
    """Spark's `window(time, size, slide, origin)` with the rules of lateness.

    `delay_us` is how much out of order rows may be: the watermark is the largest event time so far less this.
    A window is closed once the watermark has passed its end by `lateness_us`; a row that comes then is late for it.
    `append` emits a window once, when it is closed; `update` whenever it changes until then.
    """

    size_us: int
    slide_us: int
    origin_us: int = 0
    delay_us: int = 0
    lateness_us: int = 0
    emit: Emit = "append"

    def __post_init__(self) -> None:
        if not 0 < self.slide_us <= self.size_us:
            raise ValueError("a window's slide must be positive and not longer than the window")
        if abs(self.origin_us) >= self.slide_us:
            raise ValueError("a window's start offset must be shorter than its slide")
        if self.delay_us < 0 or self.lateness_us < 0:
            raise ValueError("watermark delay and allowed lateness can't be negative")

    @property
    def tumbling(self) -> bool:
        return self.slide_us == self.size_us

    @property
    def holdback_us(self) -> int:
        """A window is closed once the largest event time has passed its end by this."""
        return self.delay_us + self.lateness_us

    def starts(self, time_us: int) -> range:
        """The starts of all windows that hold `time_us`, the latest first."""
        last = time_us - (time_us - self.origin_us) % self.slide_us
        return range(last, time_us - self.size_us, -self.slide_us)

    def closes_us(self, start_us: int) -> int:
        """The watermark at which the window is closed."""
        return start_us + self.size_us + self.lateness_us

    def closed_until(self, watermark_us: int) -> int:
        """Windows that start at or before this are closed by the watermark."""
        slides = (watermark_us - self.lateness_us - self.size_us - self.origin_us) // self.slide_us
        return self.origin_us + slides * self.slide_us
