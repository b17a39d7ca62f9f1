"""The bundled broker's configuration and commands, with a real Kafka: only folders and ports differ from a pod's."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from sightline.io.kafka import TopicMissingError, admin, cluster_id, create_topics, describe, topics
from tests.e2e.render.rendering import Manifest, named, render
from tools.kafka.broker import LIBS
from tools.processes import Process, free_port

TIMEOUT_S = 120


class Pod:
    """What the StatefulSet's pod does, as processes here."""

    def __init__(self, folder: Path) -> None:
        manifests = render()
        self._spec: Manifest = named(manifests, "StatefulSet", "sightline-kafka")["spec"]["template"]["spec"]
        self.folder = folder
        self.ports = {9092: free_port(), 9093: free_port(), 19092: free_port()}
        for name in ("config", "data", "tmp"):
            (folder / name).mkdir()
        for name, text in named(manifests, "ConfigMap", "sightline-kafka")["data"].items():
            for port, ours in self.ports.items():
                text = re.sub(rf":{port}\b", f":{ours}", text)
            (folder / "config" / name).write_text(self._here(text))

    def _here(self, text: str) -> str:
        """A pod's folders as ours."""
        text = text.replace("/opt/kafka/libs", str(LIBS))
        return re.sub(r"(?<![\w.])/(config|data)\b", rf"{self.folder}/\1", text)

    def format(self) -> str:
        (init,) = self._spec["initContainers"]
        command = [self._here(each) for each in init["command"]]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            env={**os.environ, "CLUSTER_ID": ""},
        )
        assert not done.returncode, done.stdout + done.stderr
        return done.stdout

    def start(self) -> Process:
        (container,) = self._spec["containers"]
        process = Process("kafka", [self._here(each) for each in container["command"]], self.folder / "log")
        process.wait_until(self._listens, TIMEOUT_S)
        return process

    def _listens(self) -> bool:
        """The probe's question."""
        try:
            socket.create_connection(("127.0.0.1", self.ports[9092]), timeout=1).close()
        except OSError:
            return False
        return True

    @property
    def forwarded(self) -> str:
        """Where `kubectl port-forward` would lead."""
        return f"localhost:{self.ports[19092]}"


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[Pod]:
    if not LIBS.is_dir():
        pytest.skip("Kafka's jars are not there: make kafka")
    yield Pod(tmp_path)


def test_broker_lives_and_is_replaced(pod: Pod):
    """Formatted once, reached at the forwarded port, transactions and all; ends on SIGTERM; a new pod has its data."""
    assert "Formatting" in pod.format()
    process = pod.start()
    client = admin(pod.forwarded)
    identity = cluster_id(client, 30)
    with pytest.raises(TopicMissingError):
        describe(client, ["events"])
    create_topics(client, topics())
    _transact(pod.forwarded)
    process.send(signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM  # the JVM's, after its shutdown hooks
    log = (pod.folder / "log").read_text()
    assert "unfenced" in log  # the broker says something, on its standard output
    assert pod.format() == "formatted before\n"
    process = pod.start()
    try:
        client = admin(pod.forwarded)
        assert cluster_id(client, 30) == identity
        assert describe(client, ["events"])["events"].partitions == 4
    finally:
        process.stop()


def _transact(servers: str) -> None:
    producer = Producer({"bootstrap.servers": servers, "transactional.id": "t"})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce("matches", b"value")
    producer.commit_transaction(30)
