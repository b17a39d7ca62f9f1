"""Pipelines under chaos: instances are killed, stopped and started, and the broker with them, at random moments.

What comes out is compared with a batch computation in plain Python over the same events.
"""

import contextlib
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from kafka.consumer.fetcher import ConsumerRecord

from sightline.io.kafka import Topic, admin, create_topics
from tests.integration.harness import eventually, headers_of
from tests.integration.streams import SIZE_MS, SOURCE, START_MS, Event, Stream, batch
from tools.kafka import Broker
from tools.services import Service

DELAY_MS = 2_000
PACE_S = 0.05
EVENTS_A_STEP = 3
INSTANCES_MAX = 3
DRAIN_S = 300.0
"""Only a failure takes as long; a machine with other work on it may need much of it."""

PLACES = {f"k{number}": f"place {number}" for number in range(4)}

BROKER = "transaction.abort.timed.out.transaction.cleanup.interval.ms=500"
"""What a killed instance left open is aborted soon after its time-out."""

JOINED = """\
tables: {{places: {{topic: {places}, key: k, columns: {{k: string, name: string}}}}}}
query: |
  SELECT e.u, e.k, e.v, p.name FROM events e JOIN places p ON e.k = p.k WHERE e.v <> 13
sink: {{topic: {out}, key: [k]}}
delivery: {delivery}
"""

Say = Callable[[str], object]


class Subject:
    """One pipeline and up to three instances of it. What comes when is chosen by `seed`."""

    def __init__(self, stream: Stream, delivery: str, windowed: bool, seed: int) -> None:
        self.stream, self.delivery, self.windowed = stream, delivery, windowed
        self._chance, self._events = random.Random(f"{seed} instances"), random.Random(f"{seed} events")
        self.failures: list[str] = []
        self._running: list[Service] = []
        self._leaving: list[Service] = []
        self._time_ms, self._sent = START_MS, 0
        if windowed:
            stream.windowed(delivery=delivery)
        else:
            _join(stream, delivery)

    @property
    def title(self) -> str:
        return f"{'windows' if self.windowed else 'join'}, {self.delivery}"

    def start(self) -> None:
        self._running.append(self.stream.start("--drain-ms-max", "60000"))

    def send(self) -> None:
        """A few events in each partition; one in thirty is later than the watermark allows."""
        chance = self._events
        for _ in range(EVENTS_A_STEP):
            self._time_ms += 150
            for partition in range(self.stream.partitions):
                behind_ms = chance.randrange(4 * SIZE_MS if chance.random() < 1 / 30 else DELAY_MS)
                self._sent += 1
                time_ms = max(START_MS, self._time_ms - behind_ms)
                event = Event(f"k{chance.randrange(5)}", str(self._sent), chance.randrange(20), time_ms)
                self.stream.send(partition, event)

    def disturb(self, say: Say) -> None:
        """One instance comes, or goes by kill -9 or SIGTERM; what ended by itself is started again."""
        self._start_again()
        if len(self._running) < INSTANCES_MAX and self._chance.random() < 0.5:
            say(f"{self.title}: instance {len(self._running) + 1}")
            self.start()
            return
        victim = self._running.pop(self._chance.randrange(len(self._running)))
        if self._chance.random() < 0.6:
            say(f"{self.title}: kill -9")
            victim.kill()
        else:
            say(f"{self.title}: SIGTERM")
            victim.send(signal.SIGTERM)
            self._leaving.append(victim)
        if not self._running or self._chance.random() < 0.5:
            self.start()

    def finish(self) -> None:
        """Close all windows."""
        self._start_again()
        self.stream.close_windows(self._time_ms + 60 * SIZE_MS)

    def await_all(self) -> None:
        """Until each expected value is there; then the instances end."""
        wanted = set(self.expected())
        with self.stream.reader(committed=True) as out:
            found: set[str] = set()

            def complete() -> bool:
                self._start_again()
                found.update(_value(each) for each in out.poll())
                return found >= wanted

            try:
                eventually(complete, DRAIN_S, f"{self.title}: all that is expected")
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self._state(wanted - found)}") from None
        for each in self._running:
            each.send(signal.SIGTERM)
        for each in [*self._running, *self._leaving]:
            what = f"{self.title}: the end of {each.log}"
            eventually(lambda: each.exit_code is not None, DRAIN_S, what)  # noqa: B023
            self._ended(each)

    def _state(self, missing: set[str]) -> str:
        """What is missing, and of each instance what it says; where its threads are goes to its log."""
        lines = [f"{len(missing)} missing: {sorted(missing)[:5]}"]
        for each in [*self._running, *self._leaving]:
            lag = {}
            if each.exit_code is None:
                with contextlib.suppress(ConnectionError):
                    lag = {labels["partition"]: to for labels, to in each.samples("sightline_consumer_lag_records")}
            lines.append(f"exit code {each.exit_code}, ready: {each.get('/readyz')}, lag {lag}, log {each.log}")
            each.send(signal.SIGABRT)
        return "\n".join(lines)

    def kill(self) -> None:
        for each in [*self._running, *self._leaving]:
            each.kill()

    def verify(self) -> None:
        """Equal, nothing lost, nothing doubled; at least once only records with their ids may come again."""
        found = _whole(self.stream, "out")
        by_id: dict[str, set[str]] = {}
        for each in found:
            by_id.setdefault(headers_of(each)["ce_id"], set()).add(_value(each))
        assert all(len(values) == 1 for values in by_id.values()), f"{self.title}: an id with two values"
        once = Counter(value for values in by_id.values() for value in values)
        assert once == self.expected(), f"{self.title}: {_difference(once, self.expected())}"
        late = Counter(each.value for each in _whole(self.stream, "letters"))
        wanted = self._late()
        if self.delivery == "exactly-once":
            assert len(found) == len(by_id), f"{self.title}: {len(found) - len(by_id)} doubled"
            assert late == wanted, f"{self.title}: late rows: {late - wanted} more, {wanted - late} missing"
        assert late.keys() == wanted.keys(), f"{self.title}: late rows"

    def expected(self) -> Counter[str]:
        if self.windowed:
            found, _ = batch(self.stream.sent, DELAY_MS, lambda event: event.key)
            return Counter(_text(each) for each in found.values())
        return Counter(
            _text({"u": each.user, "k": each.key, "v": each.amount, "name": PLACES[each.key]})
            for partition in self.stream.sent
            for each in partition
            if each.amount != 13 and each.key in PLACES
        )

    def _late(self) -> Counter[bytes]:
        late = batch(self.stream.sent, DELAY_MS, lambda event: event.key)[1] if self.windowed else []
        return Counter(each.value for each in late)

    def _start_again(self) -> None:
        """As whoever runs the instances would."""
        for each in [each for each in self._running if each.exit_code is not None]:
            self._ended(each)
            self._running.remove(each)
            self.start()

    def _ended(self, instance: Service) -> None:
        """It may be told to end before it listens to signals, and lose a transaction while the broker is away."""
        if instance.exit_code in (0, -signal.SIGTERM):
            return
        lost = any("transaction" in each.get("exception", "") for each in instance.logs())
        if self.delivery == "at-least-once" or not lost:
            self.failures.append(instance.log_tail())


def _join(stream: Stream, delivery: str) -> None:
    places = stream.names["places"] = stream.names["name"] + "-places"
    create_topics(admin(stream.bootstrap_servers), [Topic(places, 1, {"cleanup.policy": "compact"})])
    for key, name in PLACES.items():
        stream.producer.produce(places, _text({"k": key, "name": name}).encode(), key.encode())
    stream.producer.flush()
    text = SOURCE.format(**stream.names, watermark="0s", idle="1h", source="start: earliest")
    stream.pipeline.write_text(text + JOINED.format(**stream.names, delivery=delivery))


def _whole(stream: Stream, topic: str) -> list[ConsumerRecord]:
    """All that a reader in read_committed will ever see: up to a last record of our own in each partition."""
    with stream.reader(topic, committed=True) as reader:
        partitions = reader.partitions
        for each in partitions:
            stream.producer.produce(stream.names[topic], b"the end", partition=each)
        stream.producer.flush()
        ends = lambda: sum(each.value == b"the end" for each in reader.poll())  # noqa: E731
        eventually(lambda: ends() == len(partitions), DRAIN_S, what=f"the end of {topic}")
        return [each for each in reader.records if each.value != b"the end"]


def _text(row: object) -> str:
    return json.dumps(row, sort_keys=True)


def _value(record: ConsumerRecord) -> str:
    return _text(json.loads(record.value))


def _difference(found: Counter[str], wanted: Counter[str]) -> str:
    more, missing = found - wanted, wanted - found
    return f"{len(more)} more: {list(more)[:5]}; {len(missing)} missing: {list(missing)[:5]}"


def run(directory: Path, unique: Callable[[str], str], seconds: float, seed: int, say: Say = print) -> list[Subject]:
    """{join, windows} × {at least once, exactly once} under chaos for `seconds`; then all is drained and verified."""
    os.environ["PYTHONFAULTHANDLER"] = "1"  # SIGABRT then shows where an instance's threads are
    with Broker(directory / "kafka", BROKER) as broker:
        subjects = [
            Subject(_stream(broker, directory, unique, number), delivery, windowed, seed + number)
            for number, (delivery, windowed) in enumerate(
                [("at-least-once", False), ("exactly-once", False), ("at-least-once", True), ("exactly-once", True)]
            )
        ]
        try:
            for each in subjects:
                each.start()
            _disturb(broker, subjects, random.Random(f"{seed} broker"), seconds, say)
            for each in subjects:
                each.finish()
            for each in subjects:
                each.await_all()
            for each in subjects:
                each.verify()
        finally:
            for each in subjects:
                each.kill()
    return subjects


def _stream(broker: Broker, directory: Path, unique: Callable[[str], str], number: int) -> Stream:
    return Stream(broker.bootstrap_servers, directory, lambda name: unique(f"{name}{number}"), 3)


def _disturb(broker: Broker, subjects: Sequence[Subject], chance: random.Random, seconds: float, say: Say) -> None:
    """Events go on while the broker is away, which does not count: their producer keeps them."""
    done = threading.Event()

    def send() -> None:
        while not done.wait(PACE_S):
            for each in subjects:
                each.send()

    sender = threading.Thread(target=send)
    sender.start()
    began_s = time.monotonic()
    end_s = began_s + seconds
    broker_s = began_s + chance.uniform(0.3, 0.5) * min(seconds, 60)
    try:
        while (now_s := time.monotonic()) < end_s:
            if now_s >= broker_s:
                kill = chance.random() < 0.5
                say(f"{now_s - began_s:.1f} s: broker: {'kill -9' if kill else 'stop'}")
                broker.kill() if kill else broker.stop()
                done.wait(chance.uniform(0, 2))
                broker.start()
                end_s += time.monotonic() - now_s
                broker_s = time.monotonic() + chance.uniform(5, 30)
            moment = f"{time.monotonic() - began_s:.1f} s: "
            chance.choice(subjects).disturb(lambda what: say(moment + what))  # noqa: B023
            done.wait(chance.uniform(0.2, 1.5))
    finally:
        done.set()
        sender.join()
