"""The page's side of alerting: events, pictures, and what may be asked of them."""

import base64
import io
import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest
from kafka import KafkaProducer
from PIL import Image

from sightline.events import Origin, encode_headers, format_time_us
from sightline.io import kafka
from sightline.matches import Match
from tests.integration.alerting import Alerting, Sender, Topics, match
from tests.integration.harness import eventually
from tools.kafka import Broker
from tools.services import Answer


class Stage:
    """Alerting, and events with pictures for its matches to refer to."""

    def __init__(self, directory: Path, broker: Broker, unique: Callable[[str], str]) -> None:
        servers = broker.bootstrap_servers
        topics = Topics(unique("matches"), unique("alerts"), unique("dead"))
        topics.make(servers)
        self.events = unique("events")
        self.client = kafka.admin(servers)
        kafka.create_topics(self.client, [kafka.Topic(self.events)])
        self.cluster_id = kafka.cluster_id(self.client)
        self.topic_id = kafka.describe(self.client, [self.events])[self.events].topic_id
        self.sender = Sender(servers, topics.matches)
        self._producer = KafkaProducer(bootstrap_servers=servers)
        self.process = Alerting(directory, topics, servers, "--feed-alerts-max", "5").wait_ready()

    def event(self, number: int, image: bytes, structured: bool = False) -> Match:
        """An event, in binary mode unless `structured`, and the match that refers to it."""
        like = match(number)
        attributes = {
            "id": like.event_id,
            "source": like.event_source,
            "type": "sightline.image.v1",
            "time": format_time_us(like.time_us),
        }
        value, headers = image, encode_headers(dict(attributes), "image/jpeg")
        if structured:
            whole = {"specversion": "1.0", **attributes, "datacontenttype": "image/jpeg"}
            value = json.dumps(whole | {"data_base64": base64.b64encode(image).decode()}).encode()
            headers = [("content-type", b"application/cloudevents+json")]
        sent = self._producer.send(self.events, value=value, headers=headers).get(60)
        return match(number, origin=Origin(self.cluster_id, self.topic_id, self.events, 0, sent.offset))

    def alerts(self, count: int) -> list[dict[str, object]]:
        """The newest, oldest first, once there are `count`."""

        def there() -> list[dict[str, object]]:
            found = json.loads(self.process.get("/api/alerts")[1])["alerts"]
            return found[::-1] if len(found) == count else []

        return eventually(there)

    def picture(self, alert: dict[str, object]) -> Answer:
        def developed() -> Answer | None:
            answer = self.process.fetch(f"/alerts/{alert['id']}/image")
            return answer if answer.status != 503 else None

        return eventually(developed)

    def close(self) -> None:
        self.process.kill()
        self.sender.close()
        self._producer.close()


@pytest.fixture
def stage(tmp_path: Path, broker: Broker, unique: Callable[[str], str]) -> Iterator[Stage]:
    stage = Stage(tmp_path, broker, unique)
    try:
        yield stage
    finally:
        stage.close()


def photo(size: tuple[int, int] = (640, 480)) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 90).convert("RGB").save(out, "JPEG")
    return out.getvalue()


@pytest.mark.parametrize("structured", [False, True], ids=["binary", "structured"])
def test_a_picture_is_kept_after_its_event_has_gone(stage: Stage, structured: bool) -> None:
    stage.sender.send(stage.event(0, photo(), structured))
    (alert,) = stage.alerts(1)
    status, jpeg, headers = stage.picture(alert)
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert len(jpeg) <= 16 << 10
    assert Image.open(io.BytesIO(jpeg)).size == (480, 360) or Image.open(io.BytesIO(jpeg)).width < 480
    stage.client.delete_topics([stage.events])[stage.events].result()
    assert stage.picture(alert)[1] == jpeg


def test_what_is_not_the_event_any_more_is_gone(stage: Stage) -> None:
    real = stage.event(0, photo())
    origin = real.origin
    assert origin is not None
    others = [
        match(1, origin=origin),  # another event's id
        match(2, origin=origin._replace(cluster_id="another")),
        match(3, origin=origin._replace(topic_id="another")),
        match(4, origin=origin._replace(offset=99)),
        match(5, origin=origin._replace(topic="no-such-topic")),
    ]
    stage.sender.send(*others)
    answers = [stage.picture(alert) for alert in stage.alerts(5)]
    assert [status for status, _, _ in answers] == [410] * 5
    assert {body.decode().strip() for _, body, _ in answers} == {
        "another event lies there",
        "the event lies in another cluster",
        "the topic was recreated",
        "the event has expired",
        "topic 'no-such-topic' does not exist",
    }


def test_an_image_that_is_none_and_one_that_is(stage: Stage) -> None:
    stage.sender.send(stage.event(0, photo()[:5_000]), stage.event(16, photo()))  # one camera: in this order
    broken, fine = stage.alerts(2)
    assert stage.picture(broken)[0] == 410
    assert stage.picture(fine)[0] == 200
    assert stage.process.get("/alerts/nope/image")[0] == 404


class Events:
    """Server-sent events as they come."""

    def __init__(self, port: int, last_id: str = "") -> None:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/events", headers={"Last-Event-ID": last_id})
        self._answer: IO[bytes] = urllib.request.urlopen(request, timeout=30)

    def next(self) -> tuple[str, dict[str, object]]:
        """Id and data of the next alert."""
        fields: dict[str, str] = {}
        while True:
            name, _, value = self._answer.readline().decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            elif fields.get("event") == "alert":
                return fields["id"], json.loads(fields["data"])
            else:
                fields = {}

    def close(self) -> None:
        self._answer.close()


def test_events_and_where_a_page_goes_on(stage: Stage) -> None:
    stage.sender.send(match(0), match(16))
    stage.alerts(2)
    first = Events(stage.process.http_port)
    ids = [first.next()[0] for _ in range(2)]
    stage.sender.send(match(32))
    live_id, live = first.next()
    assert live["event_id"] == "event-32"
    assert live["match"]["label"] == "moped"  # type: ignore[index]
    first.close()
    again = Events(stage.process.http_port, last_id=ids[0])
    assert [again.next()[0] for _ in range(2)] == [ids[1], live_id]
    again.close()
    unknown = Events(stage.process.http_port, last_id="fell-off-the-feed")
    assert [unknown.next()[0] for _ in range(3)] == [*ids, live_id]
    unknown.close()
    eventually(lambda: stage.process.metric("sightline_subscribers") == 0)


def test_the_page_and_its_files(stage: Stage) -> None:
    status, body, headers = stage.process.fetch("/")
    assert status == 200
    assert b"Sightline" in body
    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    for name in ("wall.js", "wall.css", "icon.svg"):
        status, body, _ = stage.process.fetch(f"/web/{name}")
        assert status == 200
        assert b"http://" not in body.replace(b"http://www.w3.org/2000/svg", b"")
        assert b"innerHTML" not in body
    assert stage.process.get("/web/..%2fsettings.py")[0] == 404
    assert stage.process.get("/api/alerts?limit=x") == (400, "limit is not a number\n")


def test_the_feed_keeps_the_newest(stage: Stage) -> None:
    stage.sender.send(*[match(16 * number) for number in range(8)])
    eventually(lambda: stage.process.metric("sightline_alerts_total", rule="bond-spotted", outcome="alert") == 8)
    assert [alert["event_id"] for alert in stage.alerts(5)] == [f"event-{16 * number}" for number in range(3, 8)]
    assert len(json.loads(stage.process.get("/api/alerts?limit=2")[1])["alerts"]) == 2
    assert json.loads(stage.process.get("/api/alerts?rule=other")[1])["alerts"] == []
