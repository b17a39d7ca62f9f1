"""What tests of every kind share: one real broker a session, and topics of a test's own."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.authority import Authority
from tools.kafka import Broker, Lock


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Broker]:
    """A real Kafka broker that a test must leave running; a test that stops or kills one starts its own."""
    lock = Lock("me", "secret-1", authority.issue("127.0.0.1").both, authority.ca)
    with Broker(tmp_path_factory.mktemp("kafka"), lock=lock) as running:
        yield running


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """One that its test may stop, kill and restart."""
    with Broker(tmp_path / "kafka") as running:
        yield running


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who vouches for the broker's certificate."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def unique() -> Callable[[str], str]:
    """`unique("events")` is a name that no other test uses."""
    suffix = uuid.uuid4().hex[:8]
    return lambda name: f"{name}-{suffix}"


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parents[1]
