"""Featurizers come and go under load; the joiner shares the images out evenly among those that are there."""

from tests.e2e.cluster.release import Release, Values

SCORED = "sightline_batch_rows_sum"
SHARE_TOLERANCE = 0.2
WINDOWS_MAX = 4
"""A machine that is busy with something else for seconds makes one of the pods slow, and its share small."""


def replicas(count: int) -> Values:
    return {"featurizer": {"pools": {"cpu": {"replicas": count}}}}


def test_featurizers_scale_from_one_to_three_and_back(release: Release) -> None:
    stream = release.stream("scaled")
    stream.wait_sent(20)
    with release.changed(replicas(3)):
        pods = release.kube.wait_ready(3, pool="cpu")
        stream.wait_sent(60)  # the joiner looks for addresses every 5 s
        windows: list[list[float]] = []
        while len(windows) < WINDOWS_MAX and not (windows and is_even(windows[-1])):
            before = [release.metric(pod, SCORED) for pod in pods]
            stream.wait_sent(150)
            windows.append([release.metric(pod, SCORED) - old for pod, old in zip(pods, before, strict=True)])
    release.kube.wait_ready(1, pool="cpu")
    stream.wait_sent(30)
    release.verify(f"featurizers 1→3→1, each scored {windows}", stream)
    assert is_even(windows[-1]), windows


def is_even(scored: list[float]) -> bool:
    even = sum(scored) / len(scored)
    return even > 0 and all(abs(each - even) <= SHARE_TOLERANCE * even for each in scored)
