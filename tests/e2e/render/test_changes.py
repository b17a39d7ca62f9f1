"""A change of values makes another Job, or replaces the pods that it concerns, and no others."""

from typing import Any

import pytest

from tests.e2e.render.rendering import (
    ALERTING,
    FEATURIZER,
    GPU,
    JOINER,
    KAFKA,
    ROOT,
    Manifest,
    named,
    of_kind,
    render,
)


def job(manifests: list[Manifest]) -> Manifest:
    (found,) = of_kind(manifests, "Job")
    return found


@pytest.mark.parametrize(
    ("values", "another"),
    [
        ({"topics": {"definitions": {"events": {"config": {"retention.ms": 1}}}}}, True),
        ({"locations": {"rows": [{"location_id": "x"}]}}, True),
        ({"image": {"tag": "2"}}, True),
        ({"topics": {"ttlSecondsAfterFinished": 5}}, False),
        ({"alerting": {"replicas": 2}}, False),
    ],
)
def test_another_spec_is_another_job(values, another):
    """A Job's spec can't be changed; one with the same spec need not run again."""
    before, after = job(render()), job(render(values=values))
    assert (before["metadata"]["name"] != after["metadata"]["name"]) is another
    assert (before["spec"]["template"] != after["spec"]["template"]) is another


def restarted(values: dict[str, Any]) -> set[str]:
    """The components whose pods a change replaces."""
    before, after = render(), render(values=values)
    return {
        name[1].removeprefix("sightline-")
        for name in (JOINER, FEATURIZER, ALERTING, KAFKA)
        if named(before, *name)["spec"]["template"] != named(after, *name)["spec"]["template"]
    }


def test_a_change_restarts_what_it_concerns():
    text = (ROOT / "pipelines" / "find-bond.yaml").read_text()
    rules = (ROOT / "rules" / "find-bond.yaml").read_text()
    pipelines = {"pipelines": {"find-bond": text + "# changed\n"}, "rules": {"find-bond": rules}}
    assert restarted(pipelines) == {"stream-joiner-find-bond", "alerting"}
    assert restarted({"rules": {"find-bond": rules + "# changed\n"}}) == {"alerting"}
    assert restarted({"kafka": {"config": {"log.retention.ms": 1}}}) == {"kafka"}
    assert restarted({"models": {"image": {"tag": "2"}}}) == {"featurizer-cpu"}
    assert restarted(GPU) == {"stream-joiner-find-bond"}
    assert restarted({"topics": {"definitions": {"events": {"config": {"retention.ms": 1}}}}}) == set()
