"""Streams in each format through the joiner, sent by a client of others."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from kafka import KafkaProducer

from sightline.io.kafka import Topic, admin, create_topics
from tests.integration.harness import Reader, headers_of, producer, service
from tools.kafka import Broker

PIPELINE = """\
version: 1
name: {events}
sources: {{events: {{topic: {events}, {source}}}}}
query: {query}
sink: {{topic: {rows}, key: [k], format: {sink}}}
"""


class Stage:
    """Topics of a test, and the joiner's flags."""

    def __init__(self, broker: Broker, unique: Callable[[str], str], directory: Path) -> None:
        self.bootstrap, self.directory = broker.bootstrap_servers, directory
        self.events, self.rows, self.letters = (unique(each) for each in ("events", "rows", "letters"))
        create_topics(admin(self.bootstrap), [Topic(each) for each in (self.events, self.rows, self.letters)])
        self.producer: KafkaProducer = producer(self.bootstrap)

    def flags(self, source: str, query: str, sink: str = "json") -> list[str]:
        path = self.directory / "pipeline.yaml"
        path.write_text(
            PIPELINE.format(events=self.events, rows=self.rows, source=source, query=json.dumps(query), sink=sink)
        )
        topics = ("--bootstrap-servers", self.bootstrap, "--dead-letter-topic", self.letters)
        return ["--pipeline", str(path), *topics, "--session-timeout-ms", "2000"]

    def send(self, value: bytes, headers: list[tuple[str, bytes]] | None = None) -> None:
        self.producer.send(self.events, value, b"key", headers=headers).get(60)


@pytest.fixture
def stage(broker: Broker, unique: Callable[[str], str], tmp_path: Path) -> Iterator[Stage]:
    made = Stage(broker, unique, tmp_path)
    yield made
    made.producer.close()


def rows(stage: Stage, flags: list[str], count: int) -> list[object]:
    reader = Reader(stage.bootstrap, stage.rows)
    with service("stream_joiner", stage.directory, *flags):
        found = [(each.key, json.loads(each.value), each.headers) for each in reader.until(count)]
    reader.close()
    assert all(not headers for _, _, headers in found)
    return [(key, row) for key, row, _ in found]


def test_json_whose_columns_are_inferred_and_rows_without_headers(stage: Stage) -> None:
    stage.send(b'{"k": "a", "n": 1, "spot": {"lat": 1.5}, "tags": ["x", "y"]}')
    stage.send(b'{"k": "b", "n": 2.5, "extra": true}')
    query = "SELECT k, n * 2 AS twice, e.spot.lat AS lat, get(tags, 0) AS tag FROM events e WHERE k = 'a' OR n > 2"
    flags = stage.flags("format: json", query)
    assert rows(stage, flags, 2) == [
        (b"a", {"k": "a", "twice": 2.0, "lat": 1.5, "tag": "x"}),
        (b"b", {"k": "b", "twice": 5.0, "lat": None, "tag": None}),
    ]


def test_a_value_that_is_not_of_its_column_is_dead_lettered_and_the_rest_goes_on(stage: Stage) -> None:
    letters = Reader(stage.bootstrap, stage.letters)
    for value in (
        b'{"k": "a", "n": 1}',
        b'{"k": "b", "n": "two"}',
        b"nonsense",
        b'{"k": "c", "n": 0}',
        b'{"k": "d", "n": 3}',
    ):
        stage.send(value)
    flags = stage.flags("format: json, columns: {k: string, n: bigint}", "SELECT k, 6 div n AS part FROM events e")
    assert rows(stage, flags, 2) == [(b"a", {"k": "a", "part": 6}), (b"d", {"k": "d", "part": 2})]
    found = [(headers_of(each)["sl_reason"], each.value) for each in letters.until(3)]
    assert found == [
        ("bad_value", b'{"k": "b", "n": "two"}'),
        ("bad_value", b"nonsense"),
        ("eval_error", b'{"k": "c", "n": 0}'),
    ]
    letters.close()


def test_protobuf_messages_of_a_descriptor_file(stage: Stage) -> None:
    file = descriptor_pb2.FileDescriptorProto(name="click.proto", package="shop", syntax="proto3")
    message = file.message_type.add(name="Click")
    kinds = descriptor_pb2.FieldDescriptorProto
    for number, (name, kind) in enumerate({"k": kinds.TYPE_STRING, "n": kinds.TYPE_INT64}.items(), 1):
        message.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
    (stage.directory / "click.desc").write_bytes(descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)  # type: ignore[no-untyped-call]
    click = message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Click"))  # type: ignore[no-untyped-call]
    stage.send(click(k="a", n=20).SerializeToString())
    stage.send(click(k="b", n=1).SerializeToString())
    source = "format: protobuf, protobuf: {descriptor: click.desc, message: shop.Click}"
    assert rows(stage, stage.flags(source, "SELECT k, n + 1 AS more FROM events e WHERE n > 10"), 1) == [
        (b"a", {"k": "a", "more": 21})
    ]


def test_cloudevents_in_structured_mode(stage: Stage) -> None:
    event = {"specversion": "1.0", "id": "e1", "source": "/door", "type": "sightline.image.v1", "camera": "c"}
    event |= {"time": "2026-01-31T12:00:00Z", "datacontenttype": "image/jpeg"}
    body = json.dumps(event | {"data_base64": base64.b64encode(b"jpeg").decode()}).encode()
    stage.send(body, [("content-type", b"application/cloudevents+json; charset=utf-8")])
    query = "SELECT e.id AS k, e.camera, e.time AS at FROM events e"
    at = "2026-01-31T12:00:00.000000Z"
    assert rows(stage, stage.flags("format: cloudevents", query), 1) == [(b"e1", {"k": "e1", "camera": "c", "at": at})]
