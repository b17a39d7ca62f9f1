"""What was alerted before, within the horizon; all of it can be rebuilt from the alerts of the horizon.

One `Memory` belongs to one partition. It forgets by event time: an alert whose event is older than the horizon is
needed no more, because a match that old is not alerted at all. When there are more than `ids_max` alerts, the oldest
are forgotten before their time, and the floor rises to them: a match that is not newer than the floor and not known
counts as too old. So a limit may cost a late alert; it never doubles one.

Cooldown: two alerts of one rule and key are never closer in event time than the cooldown, in whatever order their
matches come. Where matches are out of order, the one that came first has the alert.
"""

from bisect import bisect_left, insort
from heapq import heappop, heappush
from typing import NamedTuple

CooldownKey = tuple[str, bytes]


class _Alerted(NamedTuple):
    time_us: int
    id: bytes
    key: CooldownKey | None


class Memory:
    """Times are microseconds since the epoch, durations microseconds."""

    def __init__(self, horizon_us: int, ids_max: int, cooldown_us_max: int = 0) -> None:
        self._horizon_us, self._ids_max = horizon_us, ids_max
        # A match just inside the horizon may be in the cooldown of an alert just outside it.
        self._keep_us = horizon_us + cooldown_us_max
        self._floor_us = -1
        self._oldest_first: list[_Alerted] = []
        self._ids: set[bytes] = set()
        self._times: dict[CooldownKey, list[int]] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, alert_id: str) -> bool:
        return _packed(alert_id) in self._ids

    def too_old(self, time_us: int, now_us: int) -> bool:
        """Whether an alert for an event of this time could have been forgotten."""
        return time_us < now_us - self._horizon_us or time_us <= self._floor_us

    def cooling(self, key: CooldownKey, time_us: int, cooldown_us: int) -> bool:
        """Whether an alert of this key is less than the cooldown away, before or after."""
        times = self._times.get(key)
        if not times:
            return False
        first = bisect_left(times, time_us - cooldown_us + 1)
        return first < len(times) and times[first] < time_us + cooldown_us

    def remember(self, alert_id: str, time_us: int, key: CooldownKey | None, now_us: int) -> None:
        """`key` is None for a rule without cooldown."""
        packed = _packed(alert_id)
        if packed in self._ids:
            return
        self._ids.add(packed)
        heappush(self._oldest_first, _Alerted(time_us, packed, key))
        if key is not None:
            insort(self._times.setdefault(key, []), time_us)
        while self._oldest_first and self._oldest_first[0].time_us < now_us - self._keep_us:
            self._forget()
        while len(self._ids) > self._ids_max:
            self._floor_us = max(self._floor_us, self._forget())

    def _forget(self) -> int:
        oldest = heappop(self._oldest_first)
        self._ids.remove(oldest.id)
        if oldest.key is not None:
            times = self._times[oldest.key]
            times.remove(oldest.time_us)
            if not times:
                del self._times[oldest.key]
        return oldest.time_us


def _packed(alert_id: str) -> bytes:
    """Ids of ours are hexadecimal digits: half as large as bytes. Others stay as they are."""
    try:
        return bytes.fromhex(alert_id)
    except ValueError:
        return alert_id.encode()
