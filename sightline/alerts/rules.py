"""The rules file: which matches become alerts, and how often."""

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec

from sightline.alerts.pipelines import PipelineFacts
from sightline.alerts.summary import Summary
from sightline.config import Document
from sightline.errors import ConfigError
from sightline.query.pipeline import Name, parse_duration_s
from sightline.query.schema import did_you_mean

COOLDOWN_S_MAX = 86_400


class RuleSpec(msgspec.Struct, forbid_unknown_fields=True):
    """One rule as it is written."""

    name: Name
    pipeline: str
    severity: Literal["info", "warning", "critical"]
    key: Annotated[list[str], msgspec.Meta(min_length=1)]
    summary: str
    cooldown: str = "0s"


class RulesFile(msgspec.Struct, forbid_unknown_fields=True):
    version: Literal[1]
    rules: Annotated[list[RuleSpec], msgspec.Meta(min_length=1)]


class Rule(NamedTuple):
    """One rule, checked. Two alerts with equal values in the `key` columns share a cooldown."""

    name: str
    pipeline: str
    severity: str
    key: tuple[str, ...]
    cooldown_us: int
    summary: Summary


class Rules(NamedTuple):
    """All rules, and the pipelines they are about."""

    by_name: dict[str, Rule]
    by_pipeline: dict[str, list[Rule]]
    pipelines: dict[str, PipelineFacts]

    @property
    def cooldown_us_max(self) -> int:
        return max(rule.cooldown_us for rule in self.by_name.values())

    def topics(self) -> dict[str, str]:
        """The topics that have matches for these rules, each with the pipelines that write to it."""
        names: dict[str, list[str]] = {}
        for pipeline in sorted(self.by_pipeline):
            names.setdefault(self.pipelines[pipeline].topic, []).append(pipeline)
        return {topic: "+".join(pipelines) for topic, pipelines in names.items()}


def load_rules(path: Path, pipelines: dict[str, PipelineFacts]) -> Rules:
    """One rules file, or each *.yaml of a directory. Raises ConfigError at the key at fault."""
    paths = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not paths:
        raise ConfigError("holds no *.yaml file", file=path)
    rules = Rules({}, {}, pipelines)
    for each in paths:
        document = Document(each)
        for index, spec in enumerate(document.convert(RulesFile).rules):
            rule = _check(document, f"$.rules[{index}]", spec, pipelines)
            if rule.name in rules.by_name:
                raise document.error(f"two rules are named {rule.name!r}", f"$.rules[{index}].name")
            rules.by_name[rule.name] = rule
            rules.by_pipeline.setdefault(rule.pipeline, []).append(rule)
    return rules


def _check(document: Document, at: str, spec: RuleSpec, pipelines: dict[str, PipelineFacts]) -> Rule:
    facts = pipelines.get(spec.pipeline)
    if facts is None:
        hint = did_you_mean(spec.pipeline, pipelines)
        raise document.error(f"there is no pipeline {spec.pipeline!r}{hint}", f"{at}.pipeline")
    if facts.plain:
        raise document.error(
            f"the rows of {facts.name!r} are plain JSON: they lack the ids, times and origins that alerts need; "
            "leave `format: json` out of its sink",
            f"{at}.pipeline",
        )
    _check_key(document, at, spec, facts)
    try:
        cooldown_s = parse_duration_s(spec.cooldown)
    except ValueError as error:
        raise document.error(str(error), f"{at}.cooldown") from None
    if cooldown_s > COOLDOWN_S_MAX:
        raise document.error(f"{spec.cooldown} is more than a day", f"{at}.cooldown")
    try:
        summary = Summary(spec.summary)
    except ValueError as error:
        raise document.error(str(error), f"{at}.summary") from None
    for column in sorted(summary.columns):
        _check_column(document, f"{at}.summary", column, facts)
    return Rule(spec.name, spec.pipeline, spec.severity, tuple(spec.key), round(cooldown_s * 1e6), summary)


def _check_key(document: Document, at: str, spec: RuleSpec, facts: PipelineFacts) -> None:
    """Matches that share a rule's key must share a partition: one instance at a time remembers that key."""
    for column in spec.key:
        _check_column(document, f"{at}.key", column, facts)
    missing = [column for column in facts.key if column not in spec.key]
    if missing:
        raise document.error(
            f"lacks {', '.join(map(repr, missing))} of {facts.name}'s sink key ({', '.join(facts.key)}): matches "
            "with this key would be spread over partitions, where no instance sees them all",
            f"{at}.key",
        )


def _check_column(document: Document, at: str, column: str, facts: PipelineFacts) -> None:
    if facts.columns is not None and column not in facts.columns:
        hint = did_you_mean(column, facts.columns)
        raise document.error(f"{column!r} is not a column of pipeline {facts.name}{hint}", at)
