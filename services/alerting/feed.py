"""The newest alerts, and who wants the next ones. Used from the event loop only."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence

from services.alerting.entry import Entry


class FeedFullError(Exception):
    """There are as many subscribers as allowed."""


class Subscription:
    """What one subscriber has not been sent yet. We end it when it is too far behind (`overflowed`), or at a drain."""

    def __init__(self, rules: frozenset[str], alerts_max: int) -> None:
        self.overflowed = False
        self._rules, self._alerts_max = rules, alerts_max
        self._waiting: deque[Entry] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._ended = asyncio.get_running_loop().create_future()

    def wants(self, entry: Entry) -> bool:
        return not self._rules or entry.alert.rule in self._rules

    def offer(self, entry: Entry) -> None:
        if len(self._waiting) >= self._alerts_max:
            self.overflowed = True
            self.end()
            return
        self._waiting.append(entry)
        self._notify()

    def end(self) -> None:
        """What is waiting is dropped; whoever is in `next` gets nothing."""
        self._waiting.clear()
        if not self._ended.done():
            self._ended.set_result(None)
        self._notify()

    @property
    def ended(self) -> asyncio.Future[None]:
        return self._ended

    async def next(self, timeout_s: float | None = None) -> Sequence[Entry]:
        """All that is waiting, at least one; nothing after the end or when the time is over."""
        if not self._waiting and not self._ended.done():
            self._wake = asyncio.get_running_loop().create_future()
            if timeout_s is None:
                await self._wake
            else:
                await asyncio.wait((self._wake,), timeout=timeout_s)
            self._wake = None
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


class Feed:
    """Keeps the newest `alerts_max`, oldest first, one of each id."""

    def __init__(self, alerts_max: int, subscribers_max: int, subscriber_alerts_max: int) -> None:
        self._alerts_max = alerts_max
        self._subscribers_max, self._subscriber_alerts_max = subscribers_max, subscriber_alerts_max
        self._entries: dict[str, Entry] = {}
        self._subscriptions: set[Subscription] = set()

    def publish(self, entries: Sequence[Entry]) -> list[Entry]:
        """Alerts just decided, to every subscriber. Returns those that were new: a restart may decide one again."""
        new = [entry for entry in entries if entry.alert.id not in self._entries]
        for entry in new:
            self._entries[entry.alert.id] = entry
            for subscription in tuple(self._subscriptions):
                if subscription.wants(entry):
                    subscription.offer(entry)
        self._trim()
        return new

    def add_past(self, entries: Iterable[Entry]) -> None:
        """Alerts from before our time, sorted in; subscribers don't get them."""
        for entry in entries:
            self._entries.setdefault(entry.alert.id, entry)
        self._entries = dict(sorted(self._entries.items(), key=lambda item: item[1].alert.alert_time_us))
        self._trim()

    def get(self, alert_id: str) -> Entry | None:
        return self._entries.get(alert_id)

    def newest(self, limit: int, rules: frozenset[str] = frozenset()) -> list[Entry]:
        """Newest first."""
        found: list[Entry] = []
        for entry in reversed(self._entries.values()):
            if len(found) >= limit:
                break
            if not rules or entry.alert.rule in rules:
                found.append(entry)
        return found

    def after(self, alert_id: str) -> list[Entry] | None:
        """Those that came after `alert_id`, oldest first; None if it is not here any more."""
        if alert_id not in self._entries:
            return None
        found: list[Entry] = []
        for entry in reversed(self._entries.values()):
            if entry.alert.id == alert_id:
                break
            found.append(entry)
        return found[::-1]

    def subscribe(self, rules: frozenset[str] = frozenset()) -> Subscription:
        """Gets what is published from now on, until `unsubscribe`. Raises FeedFullError."""
        if len(self._subscriptions) >= self._subscribers_max:
            raise FeedFullError(f"{self._subscribers_max} subscribers are connected, more are not allowed")
        subscription = Subscription(rules, self._subscriber_alerts_max)
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)
        subscription.end()

    @property
    def subscribers(self) -> int:
        return len(self._subscriptions)

    def close(self) -> None:
        """End every subscription."""
        for subscription in tuple(self._subscriptions):
            subscription.end()

    def _trim(self) -> None:
        while len(self._entries) > self._alerts_max:
            del self._entries[next(iter(self._entries))]
