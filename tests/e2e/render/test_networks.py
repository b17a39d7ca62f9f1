"""NetworkPolicies are the call graph: every pair of pods, every port, evaluated as Kubernetes defines it.

The clusters of these tests don't enforce them.
"""

from itertools import product

import pytest

from tests.e2e.render.network import Place, passes
from tests.e2e.render.rendering import HERE, Manifest, of_kind, pods, render

COMPONENT = "app.kubernetes.io/component"
OUR = (("kubernetes.io/metadata.name", "ours"),)
STRANGERS = [
    Place("stranger", "ours", (("app", "other"),), OUR),
    Place("look-alike", "theirs", ((COMPONENT, "stream-joiner"),), (("kubernetes.io/metadata.name", "theirs"),)),
    Place("dns", "kube-system", (("k8s-app", "kube-dns"),), (("kubernetes.io/metadata.name", "kube-system"),)),
    Place("prometheus", "monitoring", (("app", "prometheus"),), (("kubernetes.io/metadata.name", "monitoring"),)),
    Place("security", "soc", (("app", "soar"),), (("kubernetes.io/metadata.name", "soc"), ("team", "security"))),
    Place("camera", "ours", (("app", "camera"),), OUR),
    Place("outside", ip="203.0.113.7"),
]
PORTS = (53, 80, 443, 8000, 8080, 8500, 8600, 9090, 9092, 9093, 9094, 19092)


def places(manifests: list[Manifest]) -> list[Place]:
    found = []
    for pod in pods(manifests):
        labels = pod["metadata"]["labels"]
        name = labels[COMPONENT]
        pool = labels.get("sightline.dev/pool")
        name = f"{name}/{pool}" if pool else name
        found.append(Place(name, "ours", tuple(labels.items()), OUR, "10.0.0.2"))
    return found


def graph(manifests: list[Manifest]) -> set[tuple[str, str, int]]:
    """Who reaches whom on which port, of all pairs, ports and protocols; strangers among themselves left out."""
    ours = places(manifests)
    policies = of_kind(manifests, "NetworkPolicy")
    for policy in policies:
        policy["metadata"]["namespace"] = "ours"
    found = set()
    for sender, receiver, port in product([*ours, *STRANGERS], [*ours, *STRANGERS], PORTS):
        if sender is receiver or (sender in STRANGERS and receiver in STRANGERS):
            continue
        if passes(policies, sender, receiver, port):
            found.add((sender.name, receiver.name, port))
        if passes(policies, sender, receiver, port, "UDP"):
            found.add((sender.name, receiver.name, -port))
    return found


def calls(*each: tuple[str, str, int]) -> set[tuple[str, str, int]]:
    return set(each)


def dns_of(*names: str) -> set[tuple[str, str, int]]:
    return {(name, "dns", port) for name in names for port in (53, -53)}


def scrapes_of(*names: str) -> set[tuple[str, str, int]]:
    return {("prometheus", name, 8080) for name in names}


def test_defaults():
    services = ("stream-joiner", "featurizer/cpu", "alerting")
    assert graph(render()) == (
        calls(
            ("stream-joiner", "kafka", 9092),
            ("stream-joiner", "featurizer/cpu", 8500),
            ("alerting", "kafka", 9092),
            ("topics", "kafka", 9092),
            ("test", "kafka", 9092),
            ("test", "alerting", 8600),
        )
        | scrapes_of(*services)
        | dns_of(*services, "kafka", "topics", "test")
    )


def test_everything_on():
    """Pools, a demo producer, and those that the values name beside: cameras and the security team."""
    services = ("stream-joiner", "featurizer/gpu", "featurizer/cpu", "featurizer/arm", "alerting")
    senders = ("stream-joiner", "alerting", "topics", "test", "demo-producer", "camera")
    assert graph(render(HERE / "values" / "all-on.yaml")) == (
        {(name, "kafka", 9092) for name in senders}
        | {("stream-joiner", f"featurizer/{pool}", 8500) for pool in ("gpu", "cpu", "arm")}
        | calls(("security", "alerting", 8600), ("security", "alerting", 8080))
        | scrapes_of(*services)
        | dns_of(*services, "kafka", "topics", "test", "demo-producer")
    )


def test_brokers_and_models_outside():
    """Brokers anywhere on the ports of their addresses; the models' port, and 80 and 443 where it forwards to."""
    found = graph(render(HERE / "values" / "external.yaml"))
    there = {"outside", *(each.name for each in STRANGERS)}
    assert {(s, p) for s, r, p in found if r == "outside"} == {
        *((name, port) for name in ("stream-joiner", "alerting", "topics", "test") for port in (9093, 9094)),
        *(("featurizer/cpu", port) for port in (80, 443, 8000)),
    }
    assert {(s, r, p) for s, r, p in found if r not in there and s != "prometheus"} == {
        ("stream-joiner", "featurizer/cpu", 8500),
        ("test", "alerting", 8600),
    }


@pytest.mark.parametrize(
    ("pipelines", "reached"), [([], {"gpu", "cpu"}), (["find-bond"], {"gpu", "cpu"}), (["other"], {"cpu"})]
)
def test_a_pool_is_reached_by_the_joiners_of_its_pipelines(pipelines, reached):
    texts = {
        name: f"name: {name}\nsources: {{e: {{topic: events}}}}\nsink: {{topic: m}}\n"
        for name in ("find-bond", "other")
    }
    rules = {"r": "rules: [{name: r, pipeline: other}]"}
    manifests = render(
        values={
            "pipelines": texts,
            "rules": rules,
            "featurizer": {"pools": {"gpu": {"enabled": True, "pipelines": pipelines}}},
        }
    )
    joiner = next(place for place in places(manifests) if ("sightline.dev/pipeline", "find-bond") in place.labels)
    policies = of_kind(manifests, "NetworkPolicy")
    pools = {place.name.partition("/")[2]: place for place in places(manifests) if place.name.startswith("featurizer/")}
    assert {name for name, place in pools.items() if passes(policies, joiner, place, 8500)} == reached


def test_off():
    assert not of_kind(render(values={"networkPolicy": {"enabled": False}}), "NetworkPolicy")
