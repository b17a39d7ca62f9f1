"""What tests of every kind share: one real broker a session, and topics of a test's own."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.kafka import Broker


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A real Kafka broker that a test must leave running; a test that stops or kills one starts its own."""
    with Broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture
def unique() -> Callable[[str], str]:
    """`unique("events")` is a name that no other test uses."""
    suffix = uuid.uuid4().hex[:8]
    return lambda name: f"{name}-{suffix}"


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parents[1]
