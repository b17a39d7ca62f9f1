"""Featurizers come and go under load; the joiner shares the images out evenly among those that are there."""

from tests.e2e.cluster.release import Release, Values

SHARE_TOLERANCE = 0.2


def replicas(count: int) -> Values:
    return {"featurizer": {"pools": {"cpu": {"replicas": count}}}}


def test_featurizers_scale_from_one_to_three_and_back(release: Release) -> None:
    stream = release.stream("scaled")
    stream.wait_sent(20)
    with release.changed(replicas(3)):
        pods = release.kube.wait_ready(3, pool="cpu")
        stream.wait_sent(60)  # the joiner looks for addresses every 5 s
        before = [release.metric(pod, "sightline_batch_rows_sum") for pod in pods]
        stream.wait_sent(200)
        scored = [release.metric(pod, "sightline_batch_rows_sum") - old for pod, old in zip(pods, before, strict=True)]
    release.kube.wait_ready(1, pool="cpu")
    stream.wait_sent(30)
    release.verify(f"featurizers 1→3→1, scored {scored}", stream)
    even = sum(scored) / 3
    assert all(abs(each - even) <= SHARE_TOLERANCE * even for each in scored), scored
