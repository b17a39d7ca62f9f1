"""The decision about one match and one rule."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from sightline.alerts.memory import CooldownKey, Memory
from sightline.alerts.rules import Rule
from sightline.ids import alert_id
from sightline.matches import Match


class Decision(StrEnum):
    """Also the label `outcome` of sightline_alerts_total."""

    ALERT = "alert"
    DUPLICATE = "duplicate"
    """This very alert was made before: the match came twice."""
    COOLDOWN = "cooldown"
    """Another alert of this rule and key is closer in event time than the rule's cooldown."""
    TOO_OLD = "too_old"
    """The event is older than the memory reaches, so a duplicate could not be told."""


_json = msgspec.json.Encoder(enc_hook=str)


def cooldown_key(rule: Rule, columns: Mapping[str, Any]) -> CooldownKey | None:
    """What shares a cooldown; None for a rule that has none. A column that is missing counts as null."""
    if not rule.cooldown_us:
        return None
    return rule.name, _json.encode([columns.get(column) for column in rule.key])


def decide(match: Match, rule: Rule, memory: Memory, now_us: int) -> Decision:
    """Remembers nothing: call `remember` where the answer is ALERT."""
    if alert_id(rule.name, match.id) in memory:
        return Decision.DUPLICATE
    if memory.too_old(match.time_us, now_us):
        return Decision.TOO_OLD
    key = cooldown_key(rule, match.columns)
    if key is not None and memory.cooling(key, match.time_us, rule.cooldown_us):
        return Decision.COOLDOWN
    return Decision.ALERT
