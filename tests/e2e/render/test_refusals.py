"""What can't work is refused before anything is sent to a cluster, with the key at fault."""

import pytest

from tests.e2e.render.rendering import HelmError, render

EXACTLY_ONCE = """\
version: 1
name: {name}
sources: {{events: {{topic: events}}}}
query: SELECT e.id, e.camera FROM events e
sink: {{topic: matches, key: [camera]}}
delivery: {delivery}
"""
RULES = {"mine": "version: 1\nrules: [{name: r, pipeline: one, severity: info, key: [camera], summary: s}]\n"}


def pipelines(*deliveries: str) -> dict[str, str]:
    names = ("one", "two")
    return {name: EXACTLY_ONCE.format(name=name, delivery=each) for name, each in zip(names, deliveries, strict=False)}


def scaled(**more: object) -> dict[str, object]:
    return {"streamJoiner": {"scaling": {"type": "keda", **more}}}


CASES = {
    "misspelt key": ({"streamJoiner": {"replicsa": 2}}, "'/streamJoiner': additional properties 'replicsa'"),
    "misspelt setting": (
        {"featurizer": {"pools": {"cpu": {"settings": {"batch_row_max": 2}}}}},
        "'/featurizer/pools/cpu/settings': additional properties 'batch_row_max' not allowed",
    ),
    "misspelt key in a map": (
        {"topics": {"definitions": {"events": {"partition": 2}}}},
        "'/topics/definitions/events': additional properties 'partition' not allowed",
    ),
    "wrong type": ({"kafka": {"enabled": "yes"}}, "'/kafka/enabled': got string, want boolean"),
    "scale to none": (scaled(minReplicas=0), "/streamJoiner/scaling/minReplicas"),
    "joiners beyond partitions": (
        {"streamJoiner": {"replicas": 5}},
        "streamJoiner.replicas: 5 joiners for pipeline find-bond, whose topic events has 4 partitions",
    ),
    "scaled beyond partitions": (scaled(maxReplicas=9), "streamJoiner.scaling.maxReplicas: 9 joiners for pipeline"),
    "one pipeline beyond partitions": (
        {"streamJoiner": {"overrides": {"find-bond": {"replicas": 5}}}},
        "5 joiners for pipeline find-bond",
    ),
    "at least above at most": (scaled(minReplicas=3, maxReplicas=2), "minReplicas 3 is above maxReplicas 2"),
    "alerting beyond partitions": ({"alerting": {"replicas": 5}}, "alerting.replicas: 5 pods, and alerts has 4"),
    "no brokers": ({"kafka": {"enabled": False}}, "exactly one of kafka.enabled, kafka.strimzi.enabled and"),
    "brokers twice": (
        {"kafka": {"external": {"bootstrapServers": "a:9092"}}},
        "not kafka.enabled, kafka.external.bootstrapServers",
    ),
    "login without a secret": (
        {"kafka": {"enabled": False, "external": {"bootstrapServers": "a:9092", "securityProtocol": "SASL_SSL"}}},
        "kafka.external.sasl.existingSecret: needed with SASL_SSL",
    ),
    "bootstrap without a port": (
        {"kafka": {"enabled": False, "external": {"bootstrapServers": "a"}}},
        "/kafka/external/bootstrapServers",
    ),
    "copies on one broker": ({"topics": {"replicationFactor": 3}}, "topics.replicationFactor: 3 replicas need as many"),
    "shared exactly-once sink": (
        {"pipelines": pipelines("at-least-once", "exactly-once"), "rules": RULES},
        "pipelines.two: sink matches is also that of one; an exactly-once pipeline has a sink of its own",
    ),
    "another name inside": (
        {"pipelines": {"other": pipelines("at-least-once")["one"]}, "rules": RULES},
        "pipelines.other: the text's `name` is one",
    ),
    "no YAML": ({"pipelines": {"one": "a: [b"}, "rules": RULES}, "pipelines.one: is not YAML"),
    "pipelines without rules": ({"pipelines": pipelines("at-least-once")}, "rules: needed with pipelines of your own"),
    "rule of no pipeline": ({"rules": RULES}, "rule r is for pipeline one, which is not there (there are: find-bond)"),
    "alerts are not the matches'": (
        {"topics": {"definitions": {"matches": {"partitions": 8}}}},
        "topics.definitions: matches has 8 partitions and alerts 4",
    ),
    "no pool": (
        {"featurizer": {"pools": {"cpu": {"enabled": False}}}},
        "featurizer.pools: no enabled pool serves pipeline find-bond",
    ),
    "pool of no pipeline": (
        {"featurizer": {"pools": {"cpu": {"pipelines": ["find-bond", "x"]}}}},
        "featurizer.pools.cpu.pipelines: there is no pipeline x",
    ),
    "override of no pipeline": ({"streamJoiner": {"overrides": {"x": {}}}}, "streamJoiner.overrides.x: there is no"),
    "claim without a name": ({"models": {"source": "pvc"}}, "models.pvc.claimName: needed"),
    "archive without a hash": ({"models": {"source": "url", "url": {"url": "http://a/b.zip"}}}, "url and sha256 are"),
    "no certificates": (
        {"tls": {"enabled": True, "certManager": {"enabled": False}}},
        "tls.existingSecrets.streamJoiner: needed without tls.certManager.enabled",
    ),
    "names without a config map": ({"existingPipelines": {"configMap": "x"}}, "existingPipelines.names: needed"),
    "rows of no topic": ({"locations": {"topic": "x"}}, "locations.topic: x is not in topics.definitions"),
}  # fmt: skip


@pytest.mark.parametrize(("values", "said"), CASES.values(), ids=CASES.keys())
def test_refused(values, said):
    with pytest.raises(HelmError) as error:
        render(values=values)
    assert said in str(error.value)


def test_all_faults_are_told_at_once():
    with pytest.raises(HelmError) as error:
        render(
            values={"streamJoiner": {"replicas": 9}, "models": {"source": "pvc"}, "topics": {"replicationFactor": 2}}
        )
    assert all(key in str(error.value) for key in ("streamJoiner.replicas", "models.pvc", "topics.replicationFactor"))


def test_an_old_cluster_is_refused():
    with pytest.raises(HelmError, match="kubeVersion"):
        render(None, "--kube-version=1.28.0")
