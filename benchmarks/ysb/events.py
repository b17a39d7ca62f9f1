"""The Yahoo Streaming Benchmark's data, in the form of its own generator, deterministic by seed.

Original: https://github.com/yahoo/streaming-benchmarks, data/src/setup/core.clj, `make-kafka-event-at`: 100 campaigns
of 10 ads, 100 users, 100 pages; every choice is uniform; a third of the events are views.
"""

import random
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

CAMPAIGNS = 100
ADS_A_CAMPAIGN = 10
USERS = PAGES = 100
WINDOW_MS = 10_000
AD_TYPES = ("banner", "modal", "sponsored-search", "mail", "mobile")
EVENT_TYPES = ("view", "click", "purchase")
_VIEW = EVENT_TYPES.index("view")

START_MS = 1_735_689_600_000
"""Event time of the first event, at the beginning of a window."""

_CHUNK = 50_000

Counts = Counter[tuple[str, int]]
"""Views by campaign and window start in ms."""


class Chunk(NamedTuple):
    """Some events in order, and the views in them."""

    values: list[bytes]
    views: Counts


class Generator:
    """Events at `rate` a second of event time."""

    def __init__(self, seed: int, rate: int) -> None:
        self._seed, self._rate = seed, rate
        choice = random.Random(seed)
        self.campaigns = [_uuid(choice) for _ in range(CAMPAIGNS)]
        self.ads = {_uuid(choice): campaign for campaign in self.campaigns for _ in range(ADS_A_CAMPAIGN)}
        self._users = [f'{{"user_id": "{_uuid(choice)}"' for _ in range(USERS)]
        self._pages = [f', "page_id": "{_uuid(choice)}"' for _ in range(PAGES)]
        self._ads = [f', "ad_id": "{ad}"' for ad in self.ads]
        self._types = [
            f', "ad_type": "{ad_type}", "event_type": "{event_type}"'
            for event_type in EVENT_TYPES
            for ad_type in AD_TYPES
        ]

    def chunks(self, count: int) -> Iterator[Chunk]:
        """The first `count` events: those of a smaller count are a prefix of those of a larger one."""
        for first in range(0, count, _CHUNK):
            size = min(_CHUNK, count - first)
            yield self.chunk(first, START_MS + (first + np.arange(size)) * 1000 // self._rate)

    def chunk(self, number: int, times_ms: npt.NDArray[np.int64]) -> Chunk:
        """An event for each time; `number` makes the choices."""
        choice = np.random.default_rng([self._seed, number])
        users, pages, ads, kinds = (
            choice.integers(0, each, _CHUNK)[: len(times_ms)]
            for each in (USERS, PAGES, len(self._ads), len(self._types))
        )
        columns = (users.tolist(), pages.tolist(), ads.tolist(), kinds.tolist(), times_ms.tolist())
        values = [
            (
                f"{self._users[user]}{self._pages[page]}{self._ads[ad]}{self._types[kind]}"
                f', "event_time": "{time}", "ip_address": "1.2.3.4"}}'
            ).encode()
            for user, page, ad, kind, time in zip(*columns, strict=True)
        ]
        is_view = kinds // len(AD_TYPES) == _VIEW
        return Chunk(values, self._count(ads[is_view] // ADS_A_CAMPAIGN, times_ms[is_view]))

    def closing(self, time_ms: int, campaigns: int = CAMPAIGNS) -> list[bytes]:
        """A view of each campaign (or of some) at a later time, so that windows before it close wherever they are."""
        ads = self._ads[::ADS_A_CAMPAIGN][:campaigns]
        return [
            f'{self._users[0]}{self._pages[0]}{ad}{self._types[0]}, "event_time": "{time_ms}", '
            '"ip_address": "1.2.3.4"}'.encode()
            for ad in ads
        ]

    def end_ms(self, count: int) -> int:
        """The end of the last window that the first `count` events fall into."""
        last = START_MS + (count - 1) * 1000 // self._rate
        return last - last % WINDOW_MS + WINDOW_MS

    def _count(self, campaigns: npt.NDArray[np.int64], times_ms: npt.NDArray[np.int64]) -> Counts:
        keys, counts = np.unique(times_ms // WINDOW_MS * CAMPAIGNS + campaigns, return_counts=True)
        return Counter(
            {
                (self.campaigns[key % CAMPAIGNS], key // CAMPAIGNS * WINDOW_MS): count
                for key, count in zip(keys.tolist(), counts.tolist(), strict=True)
            }
        )


def _uuid(choice: random.Random) -> str:
    return str(uuid.UUID(int=choice.getrandbits(128), version=4))
