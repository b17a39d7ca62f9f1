"""A release whose every connection is locked: SASL over TLS to Kafka, mutual TLS to featurizers, TLS to alerting."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.authority import Authority, Files
from tests.e2e.cluster import locked_kafka
from tests.e2e.cluster.locked_kafka import MECHANISM, PASSWORD, USER, secret
from tests.e2e.cluster.player_pod import NAME as PLAYER
from tests.e2e.cluster.player_pod import SECRETS, Access
from tests.e2e.cluster.release import Release, Values
from tests.e2e.doctor.command import diagnose
from tests.e2e.doctor.on_pods import finds_it_healthy
from tests.e2e.evidence import collect
from tests.e2e.execs import ExecError, execute
from tests.e2e.kube import Kube

NAMESPACE = "sightline-e2e-locked"
FEATURIZER, ALERTING = "sightline-featurizer-cpu", "sightline-alerting"
_CALL = f"""
import sys
from pathlib import Path
from grpc import secure_channel
from sightline.io.tls import ClientTls
files = [Path("{SECRETS}") / name for name in sys.argv[1:]]
channel = ClientTls(*files).channel(secure_channel, "{FEATURIZER}:8500", "{FEATURIZER}", [])
print(channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=20))
"""
SERVING = "b'\\x08\\x01'"
"""A HealthCheckResponse with status 1."""


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs what joiners, featurizers and alerting show each other."""
    return Authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def locked(kubeconfig: Path, tag: str, ours: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    kube = Kube(kubeconfig, NAMESPACE)
    kube.delete_namespace()
    kube.create_namespace()
    brokers = Authority(tmp_path_factory.mktemp("brokers"))
    kafka = locked_kafka.start(kube, brokers)
    kube.apply(
        secret("kafka-login", {"username": USER, "password": PASSWORD}),
        secret("kafka-ca", {"ca.crt": brokers.ca.read_text()}),
        secret("featurizer-tls", pem(ours, ours.issue(FEATURIZER, file="featurizer"))),
        secret("alerting-tls", pem(ours, ours.issue(ALERTING, file="alerting"))),
        secret("joiner-tls", pem(ours, ours.issue("joiner", file="joiner"))),
        secret("player", pem(ours, ours.issue("player", file="player")) | {"kafka-ca.crt": brokers.ca.read_text()}),
    )
    with closing(Release(kube, tag, values(kafka), access(kafka))) as release:
        try:
            release.install()
        except BaseException:
            collect(kube, "install-locked")
            raise
        yield release
    kube.delete_namespace()


def pem(authority: Authority, files: Files) -> dict[str, str]:
    """As cert-manager lays it out."""
    paths = {"tls.crt": files.certificate, "tls.key": files.key, "ca.crt": authority.ca}
    return {name: path.read_text() for name, path in paths.items()}


def values(kafka: str) -> Values:
    external = {
        "bootstrapServers": kafka,
        "securityProtocol": "SASL_SSL",
        "sasl": {"mechanism": MECHANISM, "existingSecret": "kafka-login"},
        "tls": {"existingSecret": "kafka-ca"},
    }
    secrets = {"streamJoiner": "joiner-tls", "featurizer": "featurizer-tls", "alerting": "alerting-tls"}
    return {
        "kafka": {"enabled": False, "external": external},
        "tls": {"enabled": True, "certManager": {"enabled": False}, "existingSecrets": secrets},
    }


def access(kafka: str) -> Access:
    """What an application is given: the login, and who signed."""
    login = {"SECURITY_PROTOCOL": "SASL_SSL", "SASL_MECHANISM": MECHANISM, "SASL_USERNAME": USER}
    login |= {"SASL_PASSWORD": PASSWORD, "CA": f"{SECRETS}/kafka-ca.crt"}
    environment = {f"SIGHTLINE_KAFKA_{name}": value for name, value in login.items()}
    return Access(kafka, f"{ALERTING}:8600", environment | {"SIGHTLINE_TLS_CA": f"{SECRETS}/ca.crt"}, "player")


def test_the_charts_own_test_passes(locked: Release) -> None:
    assert "Succeeded" in locked.helm.test()


def test_every_alert_comes(locked: Release) -> None:
    stream = locked.stream("locked")
    stream.wait_sent(100)
    locked.verify("every connection locked", stream)


def test_a_featurizer_answers_nobody_without_a_certificate(locked: Release) -> None:
    assert execute(locked.kube, PLAYER, "python", "-c", _CALL, "ca.crt", "tls.crt", "tls.key").strip() == SERVING
    with pytest.raises(ExecError, match=r"StatusCode\.UNAVAILABLE"):
        execute(locked.kube, PLAYER, "python", "-c", _CALL, "ca.crt")


def test_the_doctor_reads_the_certificates(locked: Release, ours: Authority) -> None:
    finds_it_healthy(locked.kube, locked.helm.release)
    soon = ours.issue(ALERTING, file="soon", days=3)
    locked.kube.apply(secret("alerting-tls", pem(ours, soon)))
    found = diagnose(locked.kube.kubeconfig, NAMESPACE, "--release", locked.helm.release)
    assert [finding for finding in found.findings if "expires in" in finding[-1]], found
