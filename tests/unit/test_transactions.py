"""What becomes of a transaction that goes wrong, with a client that goes wrong as it is told."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from services.stream_joiner import transactions
from services.stream_joiner.sink import Output
from sightline.io.brokers import Brokers

OFFSETS = [TopicPartition("events", 0, 7)]


class Client:
    """`trouble`: by the name of a call what happens in it, once each."""

    made: list["Client"]
    trouble: dict[str, list[Callable[[], Any]]]

    def __init__(self, config: dict[str, Any]) -> None:
        self.values: list[bytes] = []
        self.calls: list[str] = []
        self.made.append(self)

    def produce(self, topic: str, value: bytes, key: bytes, **more: Any) -> None:
        self.values.append(value)

    def flush(self, timeout_s: float) -> int:
        return 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*_: Any, **__: Any) -> None:
            self.calls.append(name)
            if self.trouble.get(name):
                self.trouble[name].pop()()

        return call


class Member:
    """A consumer."""

    def __init__(self, member_id: str = "me") -> None:
        self.member_id = member_id

    def memberid(self) -> str:
        return self.member_id

    def consumer_group_metadata(self) -> str:
        return "metadata"


class Bench:
    def __init__(self) -> None:
        self.work: list[Callable[[Any], object]] = []
        self.failures: list[Exception] = []
        self.acknowledged = 0
        self.sink = transactions.ExactlyOnce(
            Brokers("broker"), "name", self.failures.append, self.work.append, lambda f, *arguments: f(*arguments)
        )
        self.sink.start()

    def send(self) -> None:
        def acknowledged() -> None:
            self.acknowledged += 1

        self.sink.send(Output("out", None, b"row"), acknowledged)
        self.sink.commit(OFFSETS)

    def turn(self, member: Member | None = None) -> None:
        """What the consumer's thread does between two polls."""
        work = self.work[:]
        self.work.clear()
        for each in work:
            each(member or Member())


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    Client.made, Client.trouble = [], {}
    monkeypatch.setattr(transactions, "Producer", Client)
    monkeypatch.setattr(transactions, "HUNG_S", 0.05)
    monkeypatch.setattr(transactions, "FAILED_PAUSE_S", 0)
    return Bench()


def raises(code: int, **flags: bool) -> Callable[[], None]:
    def call() -> None:
        raise KafkaException(KafkaError(code, "trouble", **flags))

    return call


ABORTED = raises(KafkaError.ILLEGAL_GENERATION, txn_requires_abort=True)
FENCED = raises(KafkaError._FENCED, fatal=True)


@pytest.mark.parametrize(
    ("call", "trouble"),
    [
        ("send_offsets_to_transaction", ABORTED),
        ("begin_transaction", FENCED),
        ("send_offsets_to_transaction", lambda: threading.Event().wait()),
    ],
    ids=["aborted", "fenced", "hung"],
)
def test_what_fails_before_its_commit_is_made_again_by_a_new_client(
    bench: Bench, call: str, trouble: Callable[[], None]
) -> None:
    Client.trouble[call] = [trouble]
    bench.send()
    bench.turn()
    assert (bench.acknowledged, bench.sink.busy, bench.failures) == (0, True, [])
    bench.turn()
    assert (bench.acknowledged, bench.sink.settled(), bench.failures) == (1, True, [])
    first, second = Client.made
    assert "commit_transaction" not in first.calls
    assert second.values == [b"row"]


def test_what_fails_in_its_commit_ends_the_instance(bench: Bench) -> None:
    Client.trouble["commit_transaction"] = [ABORTED]
    bench.send()
    bench.turn()
    assert bench.acknowledged == 0
    assert len(bench.failures) == 1
    assert not bench.work


def test_it_is_asked_again_while_the_broker_is_away(bench: Bench) -> None:
    Client.trouble["commit_transaction"] = [raises(KafkaError._TIMED_OUT, retriable=True)]
    bench.send()
    bench.turn()
    assert bench.acknowledged == 1
    assert len(Client.made) == 1


def test_out_of_the_group_nothing_is_committed_and_what_was_sent_is_dropped_once_that_is_known(bench: Bench) -> None:
    bench.send()
    bench.turn(Member(""))
    bench.sink.abandon()
    bench.turn(Member("somebody new"))
    assert (bench.acknowledged, bench.sink.settled(), bench.failures) == (0, True, [])
    assert all("send_offsets_to_transaction" not in each.calls for each in Client.made)


def test_one_that_never_succeeds_ends_the_instance(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "FAILED_MAX", 2)
    Client.trouble["send_offsets_to_transaction"] = [ABORTED] * 9
    bench.send()
    for _ in range(9):
        bench.turn()
    assert len(bench.failures) == 1
    assert bench.acknowledged == 0
