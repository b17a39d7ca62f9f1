"""Who owns replicas, which pool goes first, and a pool of one GPU."""

import pytest

from tests.e2e.render.rendering import (
    ALERTING,
    FEATURIZER,
    GPU,
    HERE,
    JOINER,
    Manifest,
    environment,
    named,
    of_kind,
    render,
)


def scaled(kind: str) -> list[Manifest]:
    scaling = {"scaling": {"type": kind, "minReplicas": 2, "maxReplicas": 3}}
    return render(values={"streamJoiner": scaling, "featurizer": scaling})


@pytest.mark.parametrize(
    ("kind", "made", "least", "most"),
    [
        ("keda", "ScaledObject", "minReplicaCount", "maxReplicaCount"),
        ("hpa", "HorizontalPodAutoscaler", "minReplicas", "maxReplicas"),
    ],
)
def test_who_scales_owns_the_replicas(kind, made, least, most):
    manifests = scaled(kind)
    targets = {}
    for each in of_kind(manifests, made):
        target = each["spec"]["scaleTargetRef"]
        targets[target["kind"], target["name"]] = (each["spec"][least], each["spec"][most])
    assert targets == {JOINER: (2, 3), FEATURIZER: (2, 3)}
    for target in targets:
        assert "replicas" not in named(manifests, *target)["spec"]
    assert named(manifests, *ALERTING)["spec"]["replicas"] == 1


def test_scalers_ask_for_their_own():
    joiner, featurizer = sorted(
        of_kind(scaled("keda"), "ScaledObject"), key=lambda each: str(each["spec"]), reverse=True
    )
    queries = {each["spec"]["scaleTargetRef"]["name"]: each["spec"]["triggers"][0] for each in (joiner, featurizer)}
    lag = queries[JOINER[1]]["metadata"]["query"]
    assert lag.startswith("sum(") and 'pipeline="find-bond"' in lag and 'job="stream-joiner"' in lag
    queue = queries[FEATURIZER[1]]
    assert queue["metricType"] == "Value" and 'sightline_dev_pool="cpu"' in queue["metadata"]["query"]


def test_kafka_trigger_asks_the_brokers():
    triggers = {
        each["metadata"]["name"]: each["spec"]["triggers"][0]
        for each in of_kind(render(HERE / "values" / "external.yaml"), "ScaledObject")
    }
    assert triggers["sightline-stream-joiner-doors"]["metadata"]["consumerGroup"] == "sightline-joiner-doors"
    assert triggers["sightline-stream-joiner-doors"]["authenticationRef"] == {"name": "kafka-login"}
    assert "sightline-stream-joiner-gates" not in triggers  # overridden: not scaled


def address(manifests: list[Manifest]) -> str:
    (container,) = named(manifests, *JOINER)["spec"]["template"]["spec"]["containers"]
    return environment(container)["SIGHTLINE_JOINER_FEATURIZER_ADDRESS"]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({}, ["cpu"]),
        (GPU, ["gpu", "cpu"]),
        ({"featurizer": {"pools": {"gpu": {"enabled": True, "preference": 9}}}}, ["cpu", "gpu"]),
    ],
    ids=("cpu", "gpu first", "gpu last"),
)
def test_joiners_know_pools_by_preference(values, wanted):
    assert address(render(values=values)) == ",".join(f"sightline-featurizer-{pool}:8500" for pool in wanted)


def test_a_gpu_pool_of_one_does_not_wait_for_itself():
    """With one GPU a surge pod would wait for the old pod's, and the old pod for the surge pod."""
    pool = named(render(values=GPU), "Deployment", "sightline-featurizer-gpu")["spec"]
    assert pool["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    (container,) = pool["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert "nvidia.com/gpu" not in str(render())
