"""Which source partitions are idle: they must not hold windows back."""

from collections.abc import Callable


class IdleDetector:
    """A partition is idle when it had no record for `idle_s` and there is none to read; a record ends that.

    `now` is a monotonic clock in seconds. Without `idle_s` none is ever idle.
    """

    def __init__(self, idle_s: float | None, now: Callable[[], float]) -> None:
        self._idle_s, self._now = idle_s, now
        self._quiet_since: dict[int, float | None] = {}
        self._idle: set[int] = set()

    def assign(self, partition: int) -> None:
        """Active at first: what is to be read of it is not known."""
        self._quiet_since[partition] = None
        self._idle.discard(partition)

    def revoke(self, partition: int) -> None:
        self._quiet_since.pop(partition, None)
        self._idle.discard(partition)

    def observe(self, partition: int, records: int, caught_up: bool) -> None:
        """After each read of an assigned partition: how many records came, and whether its end was reached."""
        if records or not caught_up:
            self._quiet_since[partition] = self._now() if caught_up else None
            self._idle.discard(partition)
        elif self._quiet_since[partition] is None:
            self._quiet_since[partition] = self._now()

    def is_idle(self, partition: int) -> bool:
        return partition in self._idle

    def newly_idle(self) -> list[int]:
        """Partitions that went idle since the last call, in order."""
        if self._idle_s is None:
            return []
        now = self._now()
        found = [
            partition
            for partition, since in sorted(self._quiet_since.items())
            if since is not None and now - since >= self._idle_s and partition not in self._idle
        ]
        self._idle.update(found)
        return found
