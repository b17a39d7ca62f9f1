"""`sightline topics` and `sightline send` against a real broker."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from skimage import data

from sightline.alerts import records
from sightline.alerts.records import Alert
from sightline.cli.__main__ import main
from sightline.io.kafka import Producer, Topic, admin, create_topics, producer_config
from tests.integration.featurizer import encoded
from tests.integration.harness import Reader, headers_of
from tools.kafka import Broker

Unique = Callable[[str], str]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(broker: Broker, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command's exit code, standard output and standard error; Kafka's address is in the environment."""
    monkeypatch.setenv("SIGHTLINE_KAFKA_BOOTSTRAP_SERVERS", broker.bootstrap_servers)

    def call(*arguments: object) -> tuple[int, str, str]:
        code = main([str(each) for each in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def topics_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "topics.yaml"
    path.write_text(text)
    return path


def test_topics_are_made_once_and_follow_the_file(tmp_path: Path, run: Run, unique: Unique) -> None:
    plain, table = unique("plain"), unique("table")
    text = "topics: [{name: %s, partitions: %d, config: {retention.ms: %d}}, "
    text += "{name: %s, config: {cleanup.policy: compact}}]"
    first = topics_file(tmp_path, text % (plain, 2, 1000, table))
    assert run("topics", "--file", first)[:2] == (
        0,
        f"{plain}: made: partitions=2, retention.ms=1000\n{table}: made: partitions=1, cleanup.policy=compact\n",
    )
    assert run("topics", "--file", first)[:2] == (0, f"{plain}: unchanged\n{table}: unchanged\n")
    more = topics_file(tmp_path, text % (plain, 3, 2000, table))
    assert run("topics", "--file", more)[:2] == (
        0,
        f"{plain}: altered: retention.ms: 1000 -> 2000, partitions: 2 -> 3\n{table}: unchanged\n",
    )


def test_what_kafka_or_the_data_do_not_allow_is_refused_and_the_rest_is_made(
    tmp_path: Path, run: Run, unique: Unique
) -> None:
    table, wide, odd, good = (unique(each) for each in ("table", "wide", "odd", "good"))
    text = "topics: [{name: %s, partitions: %d, config: {cleanup.policy: compact}}, {name: %s, partitions: %d}]"
    run("topics", "--file", topics_file(tmp_path, text % (table, 1, wide, 2)))
    more = "topics: [{name: %s, partitions: 2}, {name: %s}, {name: %s, config: {nonsense: 1}}, {name: %s}]"
    code, out, err = run("topics", "--file", topics_file(tmp_path, more % (table, wide, odd, good)))
    said = dict(line.split(": ", 1) for line in out.splitlines())
    assert code == 1 and "3 of 4 topics are not as wanted" in err
    assert "refused" in said[table] and "it is compacted" in said[table]
    assert "refused" in said[wide] and "can't take partitions away" in said[wide]
    assert "refused" in said[odd] and "nonsense" in said[odd]
    assert said[good] == "made: partitions=1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("topics: [{name: a, partitons: 3}]", "unknown field `partitons`"),
        ("topics: [{name: a, partitions: 0}]", "topics.0.partitions: is 0"),
        ("topics: [{name: a}, {name: a}]", "'a' is there twice"),
        ("topics: [", "is not YAML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(tmp_path: Path, run: Run, text: str, said: str) -> None:
    path = topics_file(tmp_path, text)
    code, _, err = run("topics", "--file", path)
    assert code == 2 and said in err and str(path) in err


def test_the_brokers_are_waited_for_and_said(run: Run) -> None:
    code, _, err = run("topics", "--bootstrap-servers", "127.0.0.1:1", "--timeout-s", "0.1")
    assert code == 2 and "Kafka at 127.0.0.1:1" in err and "gave up after 0.1 s" in err


class Sent:
    """Topics of a test's own, and a photograph."""

    def __init__(self, broker: Broker, tmp_path: Path, unique: Unique) -> None:
        self.bootstrap = broker.bootstrap_servers
        self.events, self.alerts, self.table = (unique(each) for each in ("events", "alerts", "table"))
        create_topics(admin(self.bootstrap), [Topic(each, 2) for each in (self.events, self.alerts, self.table)])
        self.photo = tmp_path / "photographs" / "cat"
        self.photo.parent.mkdir()
        self.photo.write_bytes(encoded(data.chelsea()))
        (self.photo.parent / "coffee.PNG").write_bytes(encoded(data.coffee()[:9, :9], "PNG"))
        self.reader = Reader(self.bootstrap, self.events)


@pytest.fixture
def sent(broker: Broker, tmp_path: Path, unique: Unique) -> Iterator[Sent]:
    made = Sent(broker, tmp_path, unique)
    yield made
    made.reader.close()


def test_photographs_are_sent_as_they_are(run: Run, sent: Sent) -> None:
    photos = (sent.photo, sent.photo.parent)
    code, out, _ = run("send", "--topic", sent.events, "--image", *photos, "--camera", "c1", "c2", "--location-id", "x")
    assert code == 0 and len(out.splitlines()) == 2
    by_type = {headers_of(each)["content-type"]: each for each in sent.reader.until(2)}
    cat, coffee = by_type["image/jpeg"], by_type["image/png"]
    assert (cat.key, coffee.key) == (b"c1", b"c2") and cat.value == sent.photo.read_bytes()
    headers = headers_of(cat)
    assert (headers["ce_locationid"], headers["ce_camera"], headers["ce_type"]) == ("x", "c1", "sightline.image.v1")
    assert headers["ce_id"] in out


def test_count_and_rate(run: Run, sent: Sent) -> None:
    flags = ("--topic", sent.events, "--image", sent.photo, "--count", 12, "--rate", 1000)
    assert run("send", *flags)[:2] == (0, "12 events sent\n")
    assert len({headers_of(each)["ce_id"] for each in sent.reader.until(12)}) == 12


def alerting(sent: Sent) -> None:
    """Answers the first event with two alerts: somebody else's, then its own."""
    (event,) = sent.reader.until(1)
    producer = Producer(producer_config(sent.bootstrap))
    for event_id in ("another", headers_of(event)["ce_id"]):
        alert = Alert("alert", "cats", "info", "a cat", "p", "m", event_id, "/s", None, 1_000_000, 1_250_000, {}, {})
        value, headers = records.encode(alert)
        producer.produce(sent.alerts, value, headers=headers)
    assert producer.flush(30) == 0


def test_the_alert_is_waited_for(run: Run, sent: Sent) -> None:
    answering = threading.Thread(target=alerting, args=(sent,))
    answering.start()
    flags = ("--topic", sent.events, "--image", sent.photo, "--wait-alert", "--alerts-topic", sent.alerts)
    code, out, _ = run("send", *flags)
    answering.join()
    found = json.loads(out.splitlines()[-1])
    assert code == 0 and found["event_id"] == headers_of(sent.reader.records[0])["ce_id"]
    assert (found["rule"], found["summary"], found["milliseconds"]) == ("cats", "a cat", 250)


def test_no_alert_in_time_is_a_failure_that_is_said(run: Run, sent: Sent) -> None:
    flags = ("--topic", sent.events, "--image", sent.photo, "--wait-alert", "--alerts-topic", sent.alerts)
    code, _, err = run("send", *flags, "--timeout-s", "1")
    assert code == 1 and f"no alert for this event within 1 s at topic '{sent.alerts}'" in err


def test_rows_are_keyed_by_their_column(tmp_path: Path, run: Run, sent: Sent) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"id": "a", "n": 1}\n\n{"id": 7, "n": 2}\n')
    assert run("send", "--topic", sent.table, "--rows", rows, "--key", "id")[:2] == (
        0,
        f"2 rows sent to {sent.table}\n",
    )
    reader = Reader(sent.bootstrap, sent.table)
    assert {each.key: each.value for each in reader.until(2)} == {
        b"a": b'{"id": "a", "n": 1}',
        b"7": b'{"id": 7, "n": 2}',
    }
    reader.close()


@pytest.mark.parametrize(
    ("line", "flags", "said"),
    [
        ("{", ("--topic", "t", "--key", "id"), "rows.jsonl:1: is not JSON"),
        ('{"x": 1}', ("--topic", "t", "--key", "id"), "rows.jsonl:1: id: is missing"),
        ('{"id": true}', ("--topic", "t", "--key", "id"), "rows.jsonl:1: id: is True"),
        ("[]", ("--topic", "t", "--key", "id"), "rows.jsonl:1: is no JSON object"),
        ("{}", ("--topic", "t"), "--key: is needed with --rows"),
        ("{}", ("--key", "id"), "--topic: is needed with --rows"),
    ],
)
def test_wrong_rows_are_refused_before_any_is_sent(
    tmp_path: Path, run: Run, line: str, flags: tuple[str, ...], said: str
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(line + "\n")
    code, _, err = run("send", "--rows", rows, *flags)
    assert code == 2 and said in err


def test_no_photograph_is_refused(tmp_path: Path, run: Run) -> None:
    text = tmp_path / "cat.jpg"
    text.write_text("meow")
    for image, said in ((text, "is neither JPEG, PNG nor WebP"), (tmp_path / "no", "can't be read")):
        code, _, err = run("send", "--image", image)
        assert code == 2 and said in err
