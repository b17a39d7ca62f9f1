"""Read this first: a photograph goes in at one end, an alert comes out at the other, whatever happens in between.

Real Kafka, the real network, the three services as processes. The truth is worked out independently: the same model on
the very bytes sent, the join and the filter in plain Python, the alerts topic read by kafka-python.
"""

import io
import signal
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from demo.records import alerts, read
from tests.flow.system import SESSION_MS, Supervisor, System
from tests.integration.alerting import Subscriber
from tests.integration.harness import eventually, headers_of
from tests.marked_featurizer import KILLS
from tests.marked_featurizer import image as marked

pytestmark = pytest.mark.timeout(400)


def jpeg(pixels: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)  # type: ignore[arg-type]
    return out.getvalue()


@pytest.fixture
def system(tmp_path: Path, root: Path) -> Iterator[System]:
    with System(tmp_path, root) as running:
        yield running


def test_photographs_become_alerts_and_bad_images_dead_letters(system: System) -> None:
    rocket = jpeg(data.rocket())
    subscriber = Subscriber(system.alerts_port)
    for number in range(30):
        system.send_photo()
        if number == 10:
            for name, image in bad_images(rocket).items():
                system.send_image(image, name)
    assert system.verdict().right
    system.send_image(rocket, "rocket")
    eventually(lambda: [each for each in subscriber.alerts if each.event_id == "rocket"], what="the rocket's alert")
    alert = next(each for each in subscriber.alerts if each.event_id == "rocket")
    subscriber.close()
    assert (alert.rule, alert.match["label"], alert.match["place"]) == (
        "bond-spotted", "missile", "Piz Gloria, Schilthorn",
    )  # fmt: skip
    stages = ("ingest", "join", "featurize", "publish", "alert")
    whole_us = alert.alert_time.ToMicroseconds() - alert.event_time.ToMicroseconds()
    assert sum(alert.stage_us[each] for each in stages) == whole_us
    letters = {headers_of(each)["ce_id"]: each for each in read(system.bootstrap, "dead-letters")}
    reasons = {name: headers_of(each)["sl_reason"] for name, each in letters.items()}
    assert reasons == {
        "text": "not_an_image", "truncated": "truncated_image", "bomb": "image_too_large", "empty": "empty_value",
    }  # fmt: skip
    for name, image in bad_images(rocket).items():
        assert (letters[name].value or b"") == image


def bad_images(good: bytes) -> dict[str, bytes]:
    return {"text": b"GET / HTTP/1.1", "truncated": good[: len(good) // 2], "bomb": bomb(), "empty": b""}


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says it is 60,000 by 60,000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_an_image_that_kills_the_featurizer_is_found_and_the_rest_goes_on(tmp_path: Path, root: Path) -> None:
    with System(tmp_path, root, "tests.marked_featurizer") as system, Supervisor(system, "featurizer") as supervisor:
        for number in range(40):
            system.send_photo()
            if number == 20:
                system.send_image(marked(KILLS), "killer", "image/png")
        assert system.verdict().right
        (letter,) = read(system.bootstrap, "dead-letters")
        assert (headers_of(letter)["ce_id"], headers_of(letter)["sl_reason"]) == ("killer", "poison")
        assert letter.value == marked(KILLS)
        assert supervisor.deaths >= 3


def test_nothing_is_missed_or_doubled_whatever_is_killed(system: System) -> None:
    def stream(seconds: float) -> None:
        """About 20 photographs a second."""
        begin = time.monotonic()
        for number in range(int(seconds * 20)):
            system.send_photo()
            time.sleep(max(0.0, begin + number / 20 - time.monotonic()))  # the pace of the stream, not a wait

    stream(1)
    for name in ("featurizer", "stream_joiner", "alerting"):
        system.services[name].kill()
        stream(1)
        system.start(name)
        stream(1)
    system.services["alerting"].wait_ready()
    system.services["alerting"].send(signal.SIGSTOP)
    stream(SESSION_MS / 1e3 * 1.5)
    system.services["alerting"].send(signal.SIGCONT)
    stream(1)
    system.broker.restart()
    stream(1)
    system.broker.kill()
    system.broker.start()
    stream(1)
    verdict = system.verdict()
    assert (verdict.missed, verdict.doubled, verdict.false_alerts) == (0, 0, 0)
    assert verdict.expected > 20
    assert len(alerts(system.bootstrap)) == verdict.expected
