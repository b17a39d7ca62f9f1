"""A broker that wants TLS with a user and a password, or with a certificate, and clients that lack them."""

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from sightline.cli.__main__ import main
from tests.authority import Authority
from tests.integration.featurizer import grey
from tests.integration.harness import eventually, service, start
from tests.integration.scripted_featurizer import scripted_featurizer
from tools.kafka import Broker
from tools.services import Service

PREFIXES = ("SIGHTLINE_KAFKA_", "SIGHTLINE_JOINER_KAFKA_", "SIGHTLINE_ALERTING_KAFKA_")

Let = Callable[..., None]


@pytest.fixture
def let(broker: Broker, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Let:
    """Puts into the environment how all are let in; the user's way if nothing else is said."""

    def change(servers: str = broker.sasl_servers, **more: object) -> None:
        user = {"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512", "sasl_username": "me"}
        wanted = (user if servers == broker.sasl_servers else {}) | {"ca": authority.ca} | more
        if servers == broker.sasl_servers:
            wanted.setdefault("sasl_password", "secret-1")
        for name in [each for each in os.environ if each.startswith(PREFIXES)]:
            monkeypatch.delenv(name)
        for prefix in PREFIXES:
            for name, value in wanted.items():
                monkeypatch.setenv(prefix + name.upper(), str(value))
        for name in ("KAFKA", "JOINER", "ALERTING"):
            monkeypatch.setenv(f"SIGHTLINE_{name}_BOOTSTRAP_SERVERS", servers)

    change()
    return change


@pytest.fixture
def names(unique: Callable[[str], str], tmp_path: Path) -> Iterator[dict[str, str]]:
    made = {each: unique(each) for each in ("events", "places", "matches", "alerts", "letters")}
    (tmp_path / "topics.yaml").write_text(json.dumps({"topics": [{"name": each} for each in made.values()]}))
    yield made


def run(*arguments: object) -> int:
    return main([str(each) for each in arguments])


@pytest.mark.parametrize("way", ["plain", "scram", "certificate"])
def test_each_way_in(tmp_path: Path, names: dict[str, str], let: Let, broker: Broker, authority: Authority, way: str):
    mine = authority.issue("me", file="client")
    if way == "plain":
        let(sasl_mechanism="PLAIN")
    elif way == "certificate":
        let(broker.mutual_servers, security_protocol="SSL", certificate=mine.certificate, key=mine.key)
    assert run("topics", "--file", tmp_path / "topics.yaml") == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sasl_password": "guess"}, "Authentication failed"),
        ({"sasl_username": "nobody"}, "Authentication failed"),
        ({"ca": "another"}, "certificate verify failed"),
    ],
)
def test_who_is_not_let_in_says_why(
    tmp_path: Path, let: Let, capsys: pytest.CaptureFixture[str], change: dict[str, object], said: str
) -> None:
    if change.get("ca"):
        change = {"ca": Authority(tmp_path / "another").ca}
    let(**change)
    assert run("topics", "--timeout-s", 1) == 2
    err = capsys.readouterr().err
    assert said in err and "gave up after 1 s" in err and "guess" not in err


def test_the_services_through_the_lock(tmp_path: Path, names: dict[str, str], let: Let, capsys) -> None:
    """A photograph to its alert and picture, every connection to Kafka with user and password over TLS."""
    (tmp_path / "p.yaml").write_text(f"""\
version: 1
name: {names["events"]}
sources: {{events: {{topic: {names["events"]}}}}}
tables: {{places: {{topic: {names["places"]}, key: code, columns: {{code: string, name: string}}}}}}
query: |
  SELECT e.id, e.camera, l.name AS place, p.label, p.score FROM events e JOIN places l ON e.locationid = l.code
  CROSS JOIN LATERAL inline(predict('m', e.image)) p
sink: {{topic: {names["matches"]}, key: [camera]}}
""")
    rule = f"name: seen, pipeline: {names['events']}, severity: info, key: [camera], cooldown: 1s, summary: '{{label}}'"
    (tmp_path / "r.yaml").write_text(f"version: 1\nrules: [{{{rule}}}]\n")
    (tmp_path / "rows.jsonl").write_text('{"code": "A", "name": "Station A"}\n')
    (tmp_path / "grey.png").write_bytes(grey(7))
    assert run("topics", "--file", tmp_path / "topics.yaml") == 0
    assert run("send", "--topic", names["places"], "--rows", tmp_path / "rows.jsonl", "--key", "code") == 0
    letters = ("--dead-letter-topic", names["letters"])
    rules = ("--rules", str(tmp_path / "r.yaml"), "--pipelines", str(tmp_path / "p.yaml"))
    joined = ("--pipeline", str(tmp_path / "p.yaml"), *letters)
    alerted = (*rules, *letters, "--alerts-topic", names["alerts"], "--group", names["alerts"])
    with (
        scripted_featurizer() as (address, _),
        service("stream_joiner", tmp_path, *joined, "--featurizer-address", address) as joiner,
        service("alerting", tmp_path, *alerted) as alerting,
    ):
        flags = ("--topic", names["events"], "--location-id", "A", "--wait-alert", "--alerts-topic", names["alerts"])
        assert run("send", "--image", tmp_path / "grey.png", *flags) == 0
        alert = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert alert["summary"] == "dog"
        assert alerting.fetch(f"/alerts/{alert['id']}/image").body[:2] == b"\xff\xd8"
        assert "secret-1" not in joiner.log.read_text() + alerting.log.read_text()


def said(service: Service, reason: str) -> bool:
    return reason in service.get("/readyz")[1]


def test_a_service_that_is_not_let_in_waits_and_says_why(tmp_path: Path, root: Path, let: Let) -> None:
    let(sasl_password="guess")
    files = ("--rules", root / "rules", "--pipelines", root / "pipelines")
    alerting = start("alerting", tmp_path, *files)
    joiner = start("stream_joiner", tmp_path, "--pipeline", root / "pipelines" / "find-bond.yaml")
    try:
        for each in (alerting, joiner):
            eventually(partial(said, each, "Authentication failed"), what="the reason")
            assert each.get("/readyz")[0] == 503 and each.get("/healthz")[0] == 200
            assert "guess" not in each.log.read_text()
            assert each.stop() == 0
    finally:
        alerting.kill()
        joiner.kill()


def test_a_setting_that_is_wrong_ends_the_start_with_its_names(tmp_path: Path, root: Path, let: Let) -> None:
    let(ca="/no/ca.pem")
    joiner = start("stream_joiner", tmp_path, "--pipeline", root / "pipelines" / "find-bond.yaml")
    assert joiner.wait() == 2
    assert "--kafka-ca or SIGHTLINE_JOINER_KAFKA_CA: file not found: /no/ca.pem" in joiner.log.read_text()
