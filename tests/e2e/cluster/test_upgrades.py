"""Rolling upgrades under load: an image, a model version, values, and back."""

from functools import partial

from tests.e2e.cluster import images
from tests.e2e.cluster.release import Release
from tests.e2e.kube import eventually

SCORED = "sightline_inference_seconds_count"
SERVICES = ("stream-joiner", "featurizer", "alerting")


def test_a_new_image_and_the_way_back(release: Release) -> None:
    newer = images.another_tag(release.tag)
    before = {release.one(component=component).metadata.uid for component in SERVICES}
    stream = release.stream("new-image")
    stream.wait_sent(20)
    release.upgrade({"image": {"tag": newer}})
    stream.wait_sent(20)
    release.verify("new image", stream)
    after = [release.one(component=component) for component in SERVICES]
    assert not before & {pod.metadata.uid for pod in after}
    assert {pod.spec.containers[0].image.rpartition(":")[2] for pod in after} == {newer}

    stream = release.stream("rollback")
    stream.wait_sent(20)
    release.helm.rollback()
    stream.wait_sent(20)
    release.verify("rollback", stream)
    after = [release.one(component=component) for component in SERVICES]
    assert {pod.spec.containers[0].image.rpartition(":")[2] for pod in after} == {release.tag}


def test_a_new_model_version(release: Release) -> None:
    """Version 2 answers as version 1 does, so that the truth stays what it is."""
    newer = images.models_with_version_2(release.tag)
    stream = release.stream("new-model")
    stream.wait_sent(20)
    with release.changed({"models": {"image": {"tag": newer}}}):
        stream.wait_sent(20)
        by_newer = partial(release.metric, release.one(component="featurizer"), SCORED, version="2")
        eventually(by_newer, what="images scored by version 2")
    stream.wait_sent(20)
    release.verify("new model version and back", stream)


def test_new_values(release: Release) -> None:
    before = release.one(component="stream-joiner").metadata.uid
    stream = release.stream("new-values")
    stream.wait_sent(20)
    with release.changed({"streamJoiner": {"settings": {"open_events_max": 500}}}):
        assert release.one(component="stream-joiner").metadata.uid != before
        stream.wait_sent(20)
    stream.wait_sent(20)
    release.verify("new values and back", stream)
