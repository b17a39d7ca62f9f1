"""What `sightline doctor` runs in a joiner's pod: with the joiner's own environment, locked broker or not."""

import json
import os
import subprocess
import sys

import pytest

from sightline.io.kafka import Topic, admin, create_topics
from tests.authority import Authority
from tools.kafka import Broker


def asked(**environment: str) -> "subprocess.CompletedProcess[str]":
    whole = os.environ | {f"SIGHTLINE_JOINER_{name}": value for name, value in environment.items()}
    argv = [sys.executable, "-m", "sightline.io.topic_sizes"]
    return subprocess.run(argv, env=whole, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("locked", [False, True])
def test_topics_and_their_partitions(broker: Broker, authority: Authority, unique, locked: bool) -> None:
    topic = unique("sized")
    create_topics(admin(broker.bootstrap_servers), [Topic(topic, 3)])
    login = {
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "KAFKA_SASL_USERNAME": "me",
        "KAFKA_SASL_PASSWORD": "secret-1",
        "KAFKA_CA": str(authority.ca),
    }
    servers = {"BOOTSTRAP_SERVERS": broker.sasl_servers if locked else broker.bootstrap_servers}
    done = asked(**servers, **(login if locked else {}))
    assert json.loads(done.stdout)[topic] == 3, done.stderr


def test_a_broker_that_is_away_is_said_in_the_last_line() -> None:
    done = asked(BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr and done.stderr.strip()
