"""The feed: order, limits, subscribers that are slow, rules that are not wanted."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

import pytest

from services.alerting.entry import Entry
from services.alerting.feed import Feed, FeedFullError
from sightline.alerts.records import Alert
from sightline.events import Origin

_ticks = count(1)


def entry(name: str, rule: str = "r", alert_time_us: int | None = None) -> Entry:
    return Entry(
        Alert(
            id=name,
            rule=rule,
            severity="info",
            summary=name,
            pipeline="p",
            match_id=name,
            event_id=name,
            event_source="s",
            origin=Origin("c", "t", "events", 0, 0),
            time_us=0,
            alert_time_us=alert_time_us or next(_ticks),
            columns={},
            stage_us={},
        )
    )


def ids(entries: list[Entry]) -> str:
    return " ".join(each.alert.id for each in entries)


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def test_newest_first_within_the_limit_and_each_once() -> None:
    feed = Feed(3, 1, 10)
    assert ids(feed.publish([entry(name) for name in "abcd"])) == "a b c d"
    assert ids(feed.publish([entry("d"), entry("e")])) == "e"
    assert ids(feed.newest(10)) == "e d c"
    assert ids(feed.newest(1)) == "e"
    assert feed.get("a") is None
    assert feed.get("e") is not None


def test_past_alerts_are_sorted_in() -> None:
    feed = Feed(3, 1, 10)
    feed.publish([entry("now", alert_time_us=10_000)])
    feed.add_past([entry("p1-new", alert_time_us=9_000), entry("p1-old", alert_time_us=7_000), entry("now")])
    feed.add_past([entry("p2", alert_time_us=8_000)])
    assert ids(feed.newest(10)) == "now p1-new p2"


def test_by_rule() -> None:
    feed = Feed(10, 1, 10)
    feed.publish([entry("a", "x"), entry("b", "y"), entry("c", "x")])
    assert ids(feed.newest(10, frozenset({"x"}))) == "c a"


def test_after() -> None:
    feed = Feed(3, 1, 10)
    feed.publish([entry(name) for name in "abcd"])
    assert ids(feed.after("b") or []) == "c d"
    assert feed.after("d") == []
    assert feed.after("a") is None


def test_a_subscriber_gets_what_it_wants_from_now_on() -> None:
    async def test() -> None:
        feed = Feed(10, 1, 10)
        feed.publish([entry("before")])
        subscription = feed.subscribe(frozenset({"x"}))
        waiting = asyncio.ensure_future(subscription.next())
        await asyncio.sleep(0)
        feed.publish([entry("a", "x"), entry("b", "y"), entry("c", "x")])
        assert ids(list(await waiting)) == "a c"
        assert await subscription.next(0.001) == []
        feed.close()
        assert await subscription.next() == []
        assert subscription.ended.done()
        assert not subscription.overflowed

    run(test)


def test_a_slow_subscriber_is_ended_and_the_others_go_on() -> None:
    async def test() -> None:
        feed = Feed(10, 2, 2)
        slow, quick = feed.subscribe(), feed.subscribe()
        feed.publish([entry("a"), entry("b")])
        assert ids(list(await quick.next())) == "a b"
        feed.publish([entry("c")])
        assert slow.overflowed
        assert await slow.next() == []
        assert ids(list(await quick.next())) == "c"
        feed.unsubscribe(slow)
        assert feed.subscribers == 1

    run(test)


def test_no_more_subscribers_than_allowed() -> None:
    async def test() -> None:
        feed = Feed(10, 1, 2)
        first = feed.subscribe()
        with pytest.raises(FeedFullError, match="1 subscribers are connected"):
            feed.subscribe()
        feed.unsubscribe(first)
        feed.subscribe()

    run(test)
