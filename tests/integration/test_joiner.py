"""The joiner's process on a real broker, with a featurizer that does what the test says."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import pytest
from confluent_kafka import TopicPartition
from kafka import KafkaProducer

from sightline.io.ends import EndOffsets
from sightline.io.kafka import Topic, admin, cluster_id, create_topics, describe
from sightline.io.offsets import patiently
from sightline.matches import Match, decode
from tests.integration.harness import (
    WAIT_S,
    Reader,
    event_headers,
    eventually,
    headers_of,
    producer,
    service,
    start,
)
from tests.integration.scripted_featurizer import Scripted, scripted_featurizer
from tools.kafka import Broker
from tools.processes import free_port
from tools.services import Service

PIPELINE = """\
version: 1
name: {events}
sources: {{events: {{topic: {events}}}}}
tables: {{places: {{topic: {places}, key: code, on_no_match: dead-letter, columns: {{code: string, name: string}}}}}}
query: |
  SELECT e.id, l.name AS place, p.label FROM events e JOIN places l ON e.locationid = l.code
  CROSS JOIN LATERAL inline(predict('m', e.image)) p WHERE p.label = 'cat' AND p.score > 0.5
sink: {{topic: {matches}, key: [id]}}
"""


class Bench(NamedTuple):
    """Topics of one test, clients, and a joiner that can be started again and again."""

    bootstrap: str
    names: dict[str, str]
    directory: Path
    producer: KafkaProducer
    matches: Reader
    letters: Reader
    pipeline: Path

    def send(self, image: str, event_id: str, partition: int = 0, **more: str) -> None:
        headers = event_headers(event_id, **({"locationid": "A"} | more))
        self.producer.send(self.names["events"], image.encode(), b"cam", headers=headers, partition=partition).get(
            WAIT_S
        )

    def row(self, code: str, value: str | None) -> None:
        self.producer.send(self.names["places"], value.encode() if value else None, code.encode()).get(WAIT_S)

    def flags(self, featurizer: str, *more: str) -> list[str]:
        topics = ["--dead-letter-topic", self.names["letters"]]
        return [
            *("--pipeline", str(self.pipeline), "--bootstrap-servers", self.bootstrap),
            *("--featurizer-address", featurizer, "--session-timeout-ms", "2000", *topics, *more),
        ]

    def joiner(self, featurizer: str, *more: str) -> AbstractContextManager[Service]:
        return service("stream_joiner", self.directory, *self.flags(featurizer, *more))

    def ids(self, count: int) -> list[str]:
        return [json.loads(each.value)["id"] for each in self.matches.until(count)]


@pytest.fixture
def bench(broker: Broker, unique: Callable[[str], str], tmp_path: Path) -> Iterator[Bench]:
    names = {each: unique(each) for each in ("events", "places", "matches", "letters")}
    large = {"max.message.bytes": str(32 << 20)}
    topics = [Topic(names["events"], 2, large), Topic(names["places"], 1), Topic(names["matches"], 2)]
    create_topics(admin(broker.bootstrap_servers), [*topics, Topic(names["letters"], 1, large)])
    pipeline = tmp_path / "pipeline.yaml"
    pipeline.write_text(PIPELINE.format(**names))
    sender = producer(broker.bootstrap_servers)
    matches, letters = (Reader(broker.bootstrap_servers, names[each]) for each in ("matches", "letters"))
    bench = Bench(broker.bootstrap_servers, names, tmp_path, sender, matches, letters, pipeline)
    bench.row("A", '{"code": "A", "name": "Station A"}')
    yield bench
    for each in (sender, matches, letters):
        each.close()


@pytest.fixture
def featurizer() -> Iterator[tuple[str, Scripted]]:
    with scripted_featurizer() as running:
        yield running


def test_a_match_carries_what_alerting_needs(bench: Bench, featurizer: tuple[str, Scripted]) -> None:
    with bench.joiner(featurizer[0]) as joiner:
        bench.send("cat 0.9", "e1", time="2026-01-31T12:00:00.5Z", traceparent="00-ab-cd-01")
        bench.send("cat 0.4", "e2")
        bench.send("dog", "e3")
        record = bench.matches.until(1)[0]
        match = decode(record.value, record.headers)
        assert isinstance(match, Match)
        assert match.columns == {"id": "e1", "place": "Station A", "label": "cat"}
        assert record.key == b"e1"
        assert (match.event_id, match.event_source) == ("e1", "/test")
        assert (match.model, match.model_version, match.engine) == ("m", "1", "scripted")
        client, events = admin(bench.bootstrap), bench.names["events"]
        assert match.origin == (cluster_id(client), describe(client, [events])[events].topic_id, events, 0, 0)
        assert match.match_time_us - match.time_us == sum(
            match.stage_us[each] for each in ("ingest", "join", "featurize")
        )
        assert (match.stage_us["decode"], match.stage_us["inference"]) == (1, 2)
        eventually(lambda: joiner.metric("sightline_events_total") == 3, what="three outcomes")
        assert joiner.metric("sightline_events_total", outcome="rejected") == 2
        assert joiner.metric("sightline_missing_time_total") == 2
        assert joiner.metric("sightline_table_rows", table="places") == 1


def test_bad_input_is_dead_lettered_with_its_bytes_and_the_rest_goes_on(
    bench: Bench, featurizer: tuple[str, Scripted]
) -> None:
    huge = "x" * (20 << 20)
    with bench.joiner(featurizer[0]) as joiner:
        bench.send("bad", "not-an-image")
        bench.send("cat", "no-place", locationid="nowhere")
        bench.send("cat", "bad-time", time="yesterday")
        bench.send("cat", "future", time="2999-01-01T00:00:00Z")
        bench.send(huge, "huge")
        bench.send("cat", "", partition=1)
        bench.row("B", "not json")
        bench.send("cat 0.9", "good")
        assert bench.ids(1) == ["good"]
        letters = {headers_of(each)["sl_reason"]: each for each in bench.letters.until(7)}
        assert sorted(letters) == [
            "bad_table_row", "bad_time", "event_too_large", "future_time", "missing_header", "no_match", "not_an_image",
        ]  # fmt: skip
        assert letters["not_an_image"].value == b"bad"
        assert letters["bad_table_row"].value == b"not json"
        assert letters["event_too_large"].value is None
        kept = headers_of(letters["bad_time"])
        assert (kept["ce_id"], kept["ce_time"], letters["bad_time"].key) == ("bad-time", "yesterday", b"cam")
        assert "'nowhere'" in headers_of(letters["no_match"])["sl_detail"]
        origin = headers_of(letters["event_too_large"])["sl_origin"].split("/")
        assert origin[2:] == [bench.names["events"], "0", "4"]
        assert joiner.metric("sightline_dead_letters_total") == 7


def test_the_table_is_current_while_the_stream_runs(bench: Bench, featurizer: tuple[str, Scripted]) -> None:
    with bench.joiner(featurizer[0], "--table-wait-ms-max", "5000"):
        bench.send("cat 0.9", "before")
        bench.ids(1)
        bench.row("A", '{"code": "A", "name": "Station A, renamed"}')
        bench.row("C", '{"code": "C", "name": "New"}')
        # The key is unknown to the joiner's rows unless it waits for what the topic holds when the event comes.
        bench.send("cat 0.9", "new", locationid="C")
        bench.ids(2)
        bench.send("cat 0.9", "renamed")
        bench.ids(3)
        bench.row("C", None)
        eventually(lambda: _is_gone(bench), what="the row to go")
    places = {json.loads(each.value)["id"]: json.loads(each.value)["place"] for each in bench.matches.records}
    assert (places["before"], places["new"], places["renamed"]) == ("Station A", "New", "Station A, renamed")


def _is_gone(bench: Bench) -> bool:
    bench.send("cat 0.9", "deleted", locationid="C")
    return bool([each for each in bench.letters.poll() if headers_of(each)["sl_reason"] == "no_match"])


def test_a_refusal_for_now_is_tried_again(bench: Bench, featurizer: tuple[str, Scripted]) -> None:
    with bench.joiner(featurizer[0]) as joiner:
        bench.send("busy 1", "b")
        bench.send("cat 0.9", "after")
        assert bench.ids(1) == ["after"]
        eventually(lambda: joiner.metric("sightline_events_total") == 2, what="both outcomes")


def test_the_image_that_kills_is_found_and_the_rest_goes_on(bench: Bench, featurizer: tuple[str, Scripted]) -> None:
    for number in range(20):
        bench.send(f"cat 0.9 {number}", f"a{number}")
    bench.send("die", "killer")
    for number in range(20):
        bench.send(f"cat 0.9 {number}", f"b{number}")
    with bench.joiner(featurizer[0], "--request-images-max", "8"):
        expected = [f"{group}{number}" for group in "ab" for number in range(20)]
        assert sorted(bench.ids(40)) == sorted(expected)
        (letter,) = bench.letters.until(1)
        assert headers_of(letter)["sl_reason"] == "poison"
        assert letter.value == b"die"
    asked_alone = [each for each in featurizer[1].requests if each == [b"die"]]
    assert len(asked_alone) == 3


def test_output_keeps_the_order_of_the_input(bench: Bench, featurizer: tuple[str, Scripted]) -> None:
    ids = [f"{number:03}" for number in range(60)]
    for event_id in ids:
        # Every third is answered late; those behind it wait for it.
        bench.send(
            "busy" + event_id if int(event_id) % 3 == 0 else "bad" if int(event_id) % 7 == 0 else "cat 0.9", event_id
        )
    with bench.joiner(featurizer[0]):
        wanted = [each for each in ids if int(each) % 3 and int(each) % 7]
        by_partition: dict[int, list[str]] = {}
        bench.matches.until(len(wanted))
        for each in bench.matches.records:
            by_partition.setdefault(each.partition, []).append(json.loads(each.value)["id"])
        assert all(found == sorted(found) for found in by_partition.values())
        assert sorted(each for found in by_partition.values() for each in found) == wanted


def test_killed_and_started_again_it_loses_nothing_and_repeats_only_ids(
    bench: Bench, featurizer: tuple[str, Scripted]
) -> None:
    joiner = start("stream_joiner", bench.directory, *bench.flags(featurizer[0])).wait_ready()
    for number in range(100):
        bench.send(f"cat 0.9 {number}", f"{number:03}", partition=number % 2)
        if number % 25 == 24:
            joiner.kill()
            joiner = start("stream_joiner", bench.directory, *bench.flags(featurizer[0]))
    eventually(lambda: len({headers_of(each)["ce_id"] for each in bench.matches.poll()}) == 100, what="all ids")
    events = {headers_of(each)["ce_eventid"]: headers_of(each)["ce_id"] for each in bench.matches.records}
    assert len(events) == 100
    assert joiner.stop() == 0


def test_terminated_under_load_it_finishes_commits_and_repeats_nothing(
    bench: Bench, featurizer: tuple[str, Scripted]
) -> None:
    for run in range(3):
        with bench.joiner(featurizer[0]) as joiner:
            for number in range(30):
                bench.send("cat 0.9", f"{run}-{number}", partition=number % 2)
            joiner.send(signal.SIGTERM)
            eventually(lambda: joiner.exit_code is not None, what="the end")
            assert joiner.exit_code == 0
    with bench.joiner(featurizer[0]):
        ids = bench.ids(90)
        bench.send("cat 0.9", "last")
        ids = bench.ids(91)
    assert sorted(ids) == sorted([f"{run}-{number}" for run in range(3) for number in range(30)] + ["last"])


def test_two_instances_share_and_hand_over(bench: Bench, featurizer: tuple[str, Scripted]) -> None:
    with bench.joiner(featurizer[0]) as first:
        with bench.joiner(featurizer[0]) as second:
            eventually(
                lambda: all("partition=" in each.get("/metrics")[1] for each in (first, second)),
                what="a partition each",
            )
            for number in range(20):
                bench.send("cat 0.9", f"shared{number}", partition=number % 2)
            bench.ids(20)
            assert first.metric("sightline_events_total") == second.metric("sightline_events_total") == 10
        for number in range(20):
            bench.send("cat 0.9", f"alone{number}", partition=number % 2)
        assert len(set(bench.ids(40))) == len(bench.matches.records) == 40


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("p.label,", "p.lable,"), "unknown column 'lable'; did you mean 'label'?"),
        (("l.name AS", "l.nmae AS"), "pipeline.yaml:6:18: query: unknown column 'nmae'"),
        (("inline(predict('m'", "inline(predict('mm'"), "the featurizer has no model 'mm'; did you mean 'm'?"),
        (
            ("SELECT e.id", "SELECT count(*) AS n, e.id"),
            "GROUP BY needs one window of event time",
        ),
    ],
)
def test_a_wrong_pipeline_ends_the_start_with_one_clear_line(
    bench: Bench, featurizer: tuple[str, Scripted], change: tuple[str, str], said: str
) -> None:
    bench.pipeline.write_text(bench.pipeline.read_text().replace(*change).replace("p.lable,", "p.lable AS label,"))
    if change[0] == "p.label,":
        bench.pipeline.write_text(bench.pipeline.read_text().replace("p.label FROM", "p.lable FROM"))
    joiner = start("stream_joiner", bench.directory, *bench.flags(featurizer[0]))
    eventually(lambda: joiner.exit_code is not None, what="the end")
    assert joiner.exit_code == 2
    assert said in joiner.logs()[-1]["message"]


def test_a_port_in_use_is_named(bench: Bench, featurizer: tuple[str, Scripted]) -> None:
    with bench.joiner(featurizer[0]) as first:
        second = start(
            "stream_joiner", bench.directory, *bench.flags(featurizer[0], "--http-port", str(first.http_port))
        )
        eventually(lambda: second.exit_code is not None, what="the end")
        assert second.exit_code == 2
        assert f":{first.http_port}: " in second.logs()[-1]["message"]


def test_it_waits_for_what_is_not_there_yet_and_says_so(tmp_path: Path) -> None:
    own = Broker(tmp_path / "kafka")
    names = {each: each for each in ("events", "places", "matches")}
    (tmp_path / "p.yaml").write_text(PIPELINE.format(**names))
    port = free_port()
    flags = ["--pipeline", str(tmp_path / "p.yaml"), "--bootstrap-servers", own.bootstrap_servers]
    joiner = start("stream_joiner", tmp_path, *flags, "--featurizer-address", f"127.0.0.1:{port}")
    try:
        eventually(lambda: "Kafka at 127.0.0.1" in joiner.get("/readyz")[1], what="waiting for Kafka")
        own.start()
        eventually(lambda: "does not exist" in joiner.get("/readyz")[1], what="waiting for topics")
        topics = [Topic(each) for each in names.values()]
        create_topics(admin(own.bootstrap_servers), [*topics, Topic("dead-letters")])
        eventually(lambda: "featurizer" in joiner.get("/readyz")[1], what="waiting for a featurizer")
        with scripted_featurizer(port):
            joiner.wait_ready()
            assert joiner.stop() == 0
    finally:
        joiner.kill()
        own.stop()


def test_the_broker_goes_and_comes_back(tmp_path: Path, featurizer: tuple[str, Scripted]) -> None:
    with Broker(tmp_path / "kafka") as own:
        names = {each: each for each in ("events", "places", "matches")}
        (tmp_path / "p.yaml").write_text(PIPELINE.format(**names))
        create_topics(admin(own.bootstrap_servers), [Topic(each, 2) for each in (*names, "dead-letters")])
        sender = producer(own.bootstrap_servers)
        sender.send("places", b'{"code": "A", "name": "a"}', b"A").get(10)
        ends, partitions = EndOffsets(own.bootstrap_servers), [TopicPartition("events", each) for each in range(2)]
        assert patiently(lambda: ends.ask(partitions)) == {("events", 0): 0, ("events", 1): 0}
        flags = ["--pipeline", str(tmp_path / "p.yaml"), "--bootstrap-servers", own.bootstrap_servers]
        with service("stream_joiner", tmp_path, *flags, "--featurizer-address", featurizer[0]):
            matches = Reader(own.bootstrap_servers, "matches")
            for number in range(60):
                headers = event_headers(str(number), locationid="A")
                sender.send("events", b"cat 0.9", headers=headers, partition=number % 2)
                if number in (20, 40):
                    sender.flush()
                    own.kill()
                    own.start()
            sender.flush()
            ids = lambda: {json.loads(each.value)["id"] for each in matches.poll()}  # noqa: E731
            eventually(lambda: ids() == {str(number) for number in range(60)}, what="all matches")
            # A client that an admin's call goes through would ask with the leader epoch of before, for minutes.
            assert sum(patiently(lambda: ends.ask(partitions)).values()) == 60
            matches.close()
        for each in (sender, ends):
            each.close()
