"""Decisions about one match."""

from typing import Any

import pytest

from sightline.alerts.decide import Decision, cooldown_key, decide
from sightline.alerts.memory import Memory
from sightline.alerts.rules import Rule
from sightline.alerts.summary import Summary
from sightline.events import Origin
from sightline.ids import alert_id
from sightline.matches import Match

S = 1_000_000
NOW = 1_000_000 * S


def rule(cooldown_s: int = 0, name: str = "spotted") -> Rule:
    return Rule(name, "find-bond", "critical", ("camera",), cooldown_s * S, Summary("{label}"))


def match(number: int, time_us: int = NOW, **columns: Any) -> Match:
    return Match(
        id=f"match-{number}",
        pipeline="find-bond",
        time_us=time_us,
        event_id=str(number),
        event_source="source",
        origin=Origin("c", "t", "events", 0, number),
        match_time_us=time_us,
        columns={"camera": "c1", **columns},
        stage_us={},
    )


def alerted(memory: Memory, of: Rule, each: Match) -> None:
    memory.remember(alert_id(of.name, each.id), each.time_us, cooldown_key(of, each.columns), NOW)


@pytest.mark.parametrize(
    ("each", "cooldown_s", "expected"),
    [
        (match(2), 0, Decision.ALERT),
        (match(1), 0, Decision.DUPLICATE),
        (match(1), 60, Decision.DUPLICATE),  # not COOLDOWN: it is the alert that began it
        (match(2, NOW + S), 60, Decision.COOLDOWN),
        (match(2, NOW + 60 * S), 60, Decision.ALERT),
        (match(2, NOW + S, camera="c2"), 60, Decision.ALERT),
        (match(2, NOW + S, camera=None), 60, Decision.ALERT),
        (match(2, NOW - 3_601 * S), 0, Decision.TOO_OLD),
        (match(2, NOW - 3_599 * S), 0, Decision.ALERT),
    ],
)
def test_decision(each: Match, cooldown_s: int, expected: Decision) -> None:
    memory, this = Memory(3_600 * S, 100, cooldown_s * S), rule(cooldown_s)
    alerted(memory, this, match(1))
    assert decide(each, this, memory, NOW) is expected


def test_rules_do_not_share_duplicates_or_cooldowns() -> None:
    memory = Memory(3_600 * S, 100, 60 * S)
    alerted(memory, rule(60), match(1))
    other = rule(60, "other")
    assert decide(match(1), other, memory, NOW) is Decision.ALERT
    assert decide(match(2), other, memory, NOW) is Decision.ALERT


def test_a_cooldown_key_of_any_values() -> None:
    """A missing column is null; lists and objects can be keys too."""
    keys = [cooldown_key(rule(1), columns) for columns in ({}, {"camera": None}, {"camera": [1, {"a": 2}]})]
    assert keys[0] == keys[1] != keys[2]
    assert cooldown_key(rule(0), {"camera": "c1"}) is None


def test_deciding_remembers_nothing() -> None:
    memory = Memory(3_600 * S, 100)
    assert decide(match(1), rule(), memory, NOW) is decide(match(1), rule(), memory, NOW) is Decision.ALERT
