"""The rules file: what is accepted, and that each fault names file, line and key."""

from pathlib import Path

import pytest

from sightline.alerts.pipelines import PipelineFacts, load_facts
from sightline.alerts.rules import load_rules
from sightline.errors import ConfigError

RULES = """\
version: 1
rules:
  - name: spotted
    pipeline: find-bond
    severity: critical
    key: [camera]
    cooldown: 5m
    summary: "{label} at {place} ({score:.2f})"
"""

FACTS = {
    "find-bond": PipelineFacts("find-bond", "matches", ("camera",), frozenset({"camera", "label", "place", "score"})),
    "later": PipelineFacts("later", "other", ("camera", "place"), None),
    "plain": PipelineFacts("plain", "third", ("camera",), frozenset({"camera", "label", "place", "score"}), plain=True),
}


def test_a_good_file(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    rules = load_rules(path, FACTS)
    rule = rules.by_name["spotted"]
    assert (rule.severity, rule.key, rule.cooldown_us) == ("critical", ("camera",), 300_000_000)
    assert rules.topics() == {"matches": "find-bond"}
    assert rules.cooldown_us_max == 300_000_000


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("version: 1", "version: 2", 1, "version"),
        ("    severity: critical\n", "", 3, "severity"),
        ("critical", "urgent", 5, "urgent"),
        ("cooldown: 5m", "cooldwon: 5m", 7, "cooldwon"),
        ("cooldown: 5m", "cooldown: 5 minutes", 7, "is not a duration"),
        ("cooldown: 5m", "cooldown: 300", 7, "Expected `str`"),
        ("cooldown: 5m", "cooldown: 48h", 7, "more than a day"),
        ("pipeline: find-bond", "pipeline: find-bnd", 4, "did you mean 'find-bond'?"),
        ("pipeline: find-bond", "pipeline: plain", 4, "rows of 'plain' are plain JSON"),
        ("key: [camera]", "key: [label]", 6, "lacks 'camera' of find-bond's sink key"),
        ("key: [camera]", "key: []", 6, "length >= 1"),
        ("key: [camera]", "key: [camera, scoer]", 6, "did you mean 'score'?"),
        ("{label}", "{lable}", 8, "did you mean 'label'?"),
        ("{label}", "{label.__class__}", 8, "{label.__class__} is not a column name"),
        ("{label}", "{label[0]}", 8, "is not a column name"),
        ("{label}", "{}", 8, "is not a column name"),
        ("{label}", "{0}", 8, "is not a column name"),
        ("{label}", "{label!r}", 8, "conversions are not supported"),
        ("{label}", "{label:>999999999}", 8, "is not a format"),
        ("{label}", "{label:{place}}", 8, "is not a format"),
        ("{score:.2f}", "{score:.2f", 8, "write a brace that is meant as itself twice"),
        ('summary: "{label} at {place} ({score:.2f})"', 'summary: " "', 8, "is empty"),
        ("name: spotted", "name: Spotted!", 3, "regex"),
    ],
)
def test_a_fault_is_pointed_at(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    path = tmp_path / "rules.yaml"
    assert old in RULES
    path.write_text(RULES.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_rules(path, FACTS)
    assert str(caught.value).startswith(f"{path}:{line}:")
    assert says in str(caught.value)


def test_a_directory_and_a_name_used_twice(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no \*\.yaml file"):
        load_rules(tmp_path, FACTS)
    (tmp_path / "a.yaml").write_text(RULES)
    (tmp_path / "b.yaml").write_text(RULES.replace("spotted", "again"))
    assert set(load_rules(tmp_path, FACTS).by_name) == {"spotted", "again"}
    (tmp_path / "b.yaml").write_text(RULES)
    with pytest.raises(ConfigError, match=r"b\.yaml:3:11: .*two rules are named 'spotted'"):
        load_rules(tmp_path, FACTS)


def test_columns_not_known_before_run_time_are_not_checked(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES.replace("find-bond", "later").replace("[camera]", "[place, camera, size]"))
    assert load_rules(path, FACTS).by_name["spotted"].key == ("place", "camera", "size")


def test_the_rules_we_ship_fit_the_pipelines_we_ship(root: Path) -> None:
    facts = load_facts(root / "pipelines")
    rules = load_rules(root / "rules", facts)
    assert facts["find-bond"].columns is not None
    assert facts["find-bond"].columns >= rules.by_name["bond-spotted"].summary.columns
