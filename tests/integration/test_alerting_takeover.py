"""Whatever happens to an instance or to the broker: no alert is missed, none is doubled.

Judged by an independent consumer of the alerts topic: doubled is two records of one id, or one (rule, event) twice.
"""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.alerting import PARTITIONS, Alerting, Reader, Sender, Stream, Subscriber, Topics
from tests.integration.harness import eventually
from tools.kafka import Broker

SESSION_MS = 2_000


class Bench:
    """Topics of a test's own, a stream of matches, and the independent reader."""

    def __init__(self, directory: Path, broker: Broker, unique: Callable[[str], str]) -> None:
        self.directory, self.bootstrap_servers = directory, broker.bootstrap_servers
        self.topics = Topics(unique("matches"), unique("alerts"), unique("dead"))
        self.topics.make(self.bootstrap_servers)
        self.sender = Sender(self.bootstrap_servers, self.topics.matches)
        self.stream = Stream(self.sender)
        self.reader = Reader(self.bootstrap_servers, self.topics.alerts, PARTITIONS)
        self.instances: list[Alerting] = []

    def alerting(self, name: str) -> Alerting:
        flags = ("--session-timeout-ms", str(SESSION_MS), "--no-pictures")
        instance = Alerting(self.directory, self.topics, self.bootstrap_servers, *flags, name=name)
        self.instances.append(instance)
        return instance

    def alerts_beyond(self, more: int) -> None:
        """Wait until so many more alerts are there than now."""
        count = len(self.reader.read())
        eventually(lambda: len(self.reader.read()) >= count + more, 60, f"{more} more alerts")

    def check(self) -> None:
        sent = self.stream.stop()
        records = self.reader.until(sent)
        for instance in self.instances:
            instance.stop()
        records = self.reader.read()
        doubled = {key: count for key, count in self.reader.events().items() if count > 1}
        assert not doubled, doubled
        assert len(records) == len(self.reader.ids()) == sent

    def close(self) -> None:
        self.stream.stop()
        for instance in self.instances:
            instance.kill()
        self.reader.close()
        self.sender.close()


@pytest.fixture
def bench(tmp_path: Path, broker: Broker, unique: Callable[[str], str]) -> Iterator[Bench]:
    bench = Bench(tmp_path, broker, unique)
    try:
        yield bench
    finally:
        bench.close()


def test_killed_and_restarted(bench: Bench) -> None:
    first = bench.alerting("first").wait_ready()
    bench.stream.start()
    bench.alerts_beyond(50)
    first.kill()
    bench.alerting("second").wait_ready()
    bench.alerts_beyond(50)
    bench.check()


def test_stopped_past_its_session_and_continued(bench: Bench) -> None:
    """The other instance takes over while the first one has matches and alerts in hand."""
    first = bench.alerting("first").wait_ready()
    bench.stream.start()
    bench.alerts_beyond(20)
    second = bench.alerting("second").wait_ready()
    bench.alerts_beyond(50)
    first.send(signal.SIGSTOP)
    eventually(
        lambda: second.metric("sightline_sessions_lost_total") == 0 and second.log.read_text().count("assigned") >= 2
    )
    bench.alerts_beyond(200)
    first.send(signal.SIGCONT)
    eventually(lambda: first.metric("sightline_sessions_lost_total") >= 1, what="the first instance joins anew")
    bench.alerts_beyond(100)
    bench.check()


def test_a_second_instance_comes_and_the_first_leaves(bench: Bench) -> None:
    """Orderly: partitions move twice while matches flow, and each subscriber sees what its instance decides."""
    first = bench.alerting("first").wait_ready()
    mine = Subscriber(first.grpc_port)
    eventually(lambda: first.metric("sightline_subscribers") == 1)
    bench.stream.start()
    bench.alerts_beyond(50)
    second = bench.alerting("second").wait_ready()
    other = Subscriber(second.grpc_port)
    bench.alerts_beyond(50)
    assert first.stop() == 0
    bench.alerts_beyond(50)
    bench.check()
    mine.close()
    other.close()
    seen = {alert.id for alert in mine.alerts + other.alerts}
    assert len(mine.alerts) > 50
    assert seen <= set(bench.reader.ids())


def send(broker: Broker, sig: signal.Signals) -> None:
    assert broker._process is not None
    broker._process.send(sig)


def test_broker_killed_and_restarted(tmp_path: Path, own_broker: Broker, unique: Callable[[str], str]) -> None:
    bench = Bench(tmp_path, own_broker, unique)
    try:
        instance = bench.alerting("only").wait_ready()
        bench.stream.start()
        bench.alerts_beyond(50)
        own_broker.kill()
        own_broker.start()
        bench.alerts_beyond(50)
        bench.check()
        assert instance.exit_code == 0
    finally:
        bench.close()


def test_broker_hangs_longer_than_the_producer_waits(
    tmp_path: Path, own_broker: Broker, unique: Callable[[str], str]
) -> None:
    """An alert that was given up on this side may be written by the broker all the same when it goes on."""
    bench = Bench(tmp_path, own_broker, unique)
    try:
        bench.alerting("only").wait_ready()
        bench.stream.start()
        bench.alerts_beyond(50)
        send(own_broker, signal.SIGSTOP)
        time.sleep(SESSION_MS / 1e3 * 1.5)  # the hang itself: past the producer's time-out and the session's
        send(own_broker, signal.SIGCONT)
        bench.alerts_beyond(50)
        bench.check()
    finally:
        send(own_broker, signal.SIGCONT)
        bench.close()
