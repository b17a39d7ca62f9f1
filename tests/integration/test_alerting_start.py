"""Alerting as it starts: what it waits for, and what it ends with code 2 for."""

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sightline.io import kafka
from tests.integration.alerting import Alerting, Topics
from tests.integration.harness import eventually
from tools.kafka import Broker
from tools.processes import free_port


def test_waits_for_the_broker_and_for_topics(tmp_path: Path, unique: Callable[[str], str]) -> None:
    late = Broker(tmp_path / "kafka")
    topics = Topics(unique("matches"), unique("alerts"), unique("dead"))
    process = Alerting(tmp_path, topics, late.bootstrap_servers)
    try:
        waiting = f"waiting for Kafka at {late.bootstrap_servers} ("
        eventually(lambda: process.get("/readyz")[1].startswith(waiting) and process.get("/readyz")[0] == 503)
        late.start()
        missing = f"waiting for Kafka's topics: topic {topics.matches!r} does not exist\n"
        eventually(lambda: process.get("/readyz") == (503, missing))
        client = kafka.admin(late.bootstrap_servers)
        kafka.create_topics(client, [kafka.Topic(topics.matches, 2), kafka.Topic(topics.alerts, 1)])
        kafka.create_topics(client, [kafka.Topic(topics.dead)])
        eventually(lambda: "it needs 2 as" in process.get("/readyz")[1])
        assert process.stop() == 0
        process = Alerting(tmp_path, topics._replace(alerts=topics.alerts + "-wide"), late.bootstrap_servers)
        kafka.create_topics(client, [kafka.Topic(topics.alerts + "-wide", 2)])
        process.wait_ready()
    finally:
        process.kill()
        late.stop()


def run_to_its_end(*argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.alerting", *argv]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_rule_that_can_not_work_ends_with_code_2(tmp_path: Path, root: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text((root / "rules/find-bond.yaml").read_text().replace("key: [camera]", "key: [label]"))
    done = run_to_its_end("--rules", str(rules), "--pipelines", str(root / "pipelines"))
    assert done.returncode == 2
    assert f"{rules}:8:10: rules.0.key: lacks 'camera' of find-bond's sink key" in done.stdout


def test_settings_that_are_wrong_end_with_code_2(root: Path) -> None:
    done = run_to_its_end("--rules", "nowhere/", "--pipelines", str(root / "pipelines"), "--dedupe-horizon-s", "0")
    assert done.returncode == 2
    assert "--rules or SIGHTLINE_ALERTING_RULES: Value error, rules file or directory not found: nowhere" in done.stderr
    assert "--dedupe-horizon-s or SIGHTLINE_ALERTING_DEDUPE_HORIZON_S" in done.stderr


@pytest.mark.parametrize("flag", ["--grpc-port", "--http-port"])
def test_a_port_in_use_ends_with_code_2(root: Path, flag: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        files = ("--rules", str(root / "rules"), "--pipelines", str(root / "pipelines"))
        where = ("--http-host", "127.0.0.1", "--grpc-host", "127.0.0.1")
        kafka_flags = ("--bootstrap-servers", f"127.0.0.1:{free_port()}")
        done = run_to_its_end(*files, *where, *kafka_flags, flag, str(port))
    assert done.returncode == 2
    assert f"{flag}: can't listen on 127.0.0.1:{port}" in done.stdout
