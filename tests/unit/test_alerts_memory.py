"""The memory: duplicates, cooldown by event time, the horizon, the limit."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.alerts.memory import Memory
from sightline.ids import alert_id

S = 1_000_000
KEY = ("rule", b"[1]")
NOW = 1_000_000 * S


def alert(number: int) -> str:
    return alert_id("rule", str(number))


@pytest.mark.parametrize(
    ("alerted_s", "match_s", "cooldown_s", "cooling"),
    [
        ([], 100, 30, False),
        ([100], 100, 30, True),
        ([100], 129, 30, True),
        ([100], 130, 30, False),  # the cooldown is over at its end
        ([100], 71, 30, True),  # late, and too close to the alert that came before it
        ([100], 70, 30, False),
        ([100, 200], 150, 30, False),
        ([100, 200], 171, 30, True),
        ([200, 100], 129, 30, True),  # in whatever order they were remembered
    ],
)
def test_cooldown(alerted_s: list[int], match_s: int, cooldown_s: int, cooling: bool) -> None:
    memory = Memory(3_600 * S, 100)
    for number, second in enumerate(alerted_s):
        memory.remember(alert(number), second * S, KEY, 100 * S)
    assert memory.cooling(KEY, match_s * S, cooldown_s * S) is cooling
    assert not memory.cooling(("rule", b"[2]"), match_s * S, cooldown_s * S)


def test_an_alert_outside_the_horizon_is_forgotten_and_its_match_too_old() -> None:
    memory = Memory(60 * S, 100)
    memory.remember(alert(1), NOW - 59 * S, KEY, NOW)
    assert alert(1) in memory
    memory.remember(alert(2), NOW, None, NOW + 2 * S)
    assert alert(1) not in memory
    assert not memory.cooling(KEY, NOW - 59 * S, 30 * S)
    assert memory.too_old(NOW - 59 * S, NOW + 2 * S)
    assert not memory.too_old(NOW - 57 * S, NOW + 2 * S)


def test_an_alert_just_outside_the_horizon_still_cools() -> None:
    memory = Memory(60 * S, 100, cooldown_us_max=30 * S)
    memory.remember(alert(1), NOW - 61 * S, KEY, NOW)
    memory.remember(alert(2), NOW, None, NOW)
    assert memory.cooling(KEY, NOW - 59 * S, 30 * S)


def test_past_the_limit_the_oldest_go_and_the_floor_rises() -> None:
    memory = Memory(3_600 * S, 2)
    for number in (3, 1, 2):
        memory.remember(alert(number), NOW + number, None, NOW)
    assert len(memory) == 2
    assert alert(1) not in memory
    assert memory.too_old(NOW + 1, NOW)
    assert not memory.too_old(NOW + 2, NOW)


def test_remembering_twice_is_remembering_once() -> None:
    memory = Memory(60 * S, 100)
    for _ in range(2):
        memory.remember(alert(1), NOW, KEY, NOW)
    assert len(memory) == 1
    memory.remember(alert(2), NOW + 61 * S, None, NOW + 61 * S)
    assert len(memory) == 1


def test_ids_that_are_not_ours_are_kept_too() -> None:
    memory = Memory(60 * S, 100)
    memory.remember("Zürich/7", NOW, None, NOW)
    assert "Zürich/7" in memory
    assert "Zürich/8" not in memory


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 100)), max_size=120),
    st.integers(1, 20),
    st.integers(10, 60),
)
def test_never_twice_whatever_the_order_and_the_limits(
    matches: list[tuple[int, int]], ids_max: int, horizon: int
) -> None:
    """Each id has one event time; time goes on while copies come."""
    memory, alerted = Memory(horizon, ids_max), set()
    times: dict[int, int] = {}
    for now, (number, time) in enumerate(matches):
        time = times.setdefault(number, time)
        if alert(number) in memory or memory.too_old(time, now):
            continue
        assert number not in alerted
        alerted.add(number)
        memory.remember(alert(number), time, None, now)
        assert len(memory) <= ids_max


@given(st.lists(st.integers(0, 200), max_size=60), st.integers(1, 30))
def test_alerts_of_one_key_are_never_closer_than_the_cooldown(times: list[int], cooldown: int) -> None:
    memory = Memory(10_000, 1_000, cooldown)
    alerted: list[int] = []
    for number, time in enumerate(times):
        if not memory.cooling(KEY, time, cooldown):
            memory.remember(alert(number), time, KEY, 200)
            alerted.append(time)
    alerted.sort()
    assert all(later - earlier >= cooldown for earlier, later in itertools.pairwise(alerted))
    # And none is held back without one that close.
    assert all(any(abs(time - other) < cooldown for other in alerted) for time in times)
