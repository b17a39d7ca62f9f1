"""Sends the spooled photographs as camera events, open loop: at a steady rate, whatever happens downstream.

`ce_time` is the time an event was DUE, in microseconds. If the sender is late, the event's latency includes it: a
slow system can't slow its own measurement down (coordinated omission).

    python -m demo.replay --bootstrap-servers H:P --spool build/demo/photos/7-1a2b3c4d --sent sent.jsonl --rate 20
"""

import argparse
import gc
import signal
import time
from pathlib import Path
from typing import TextIO

import msgspec
import numpy as np

from demo.places import CAMERAS
from demo.spool import Spool
from sightline.events import EVENT_TYPE, encode_headers, format_time_us
from sightline.io.clients import Producer
from sightline.io.kafka import producer_config

TOPIC = "events"
_SLACK_S = 0.0003


class Sent(msgspec.Struct):
    """One line of the log of what was sent: all that the truths need, and how late the sender was."""

    id: str
    time_us: int
    camera: str
    location_id: str
    photo: int
    late_us: int = 0


class Replay:
    """`source` is the CloudEvents source of every event; with the id it is unique."""

    def __init__(self, producer: Producer, spool: Spool, sent: TextIO, source: str, seed: int) -> None:
        self._producer, self._spool, self._sent, self._source = producer, spool, sent, source
        self._rng = np.random.default_rng(seed)
        self.stopping = False

    def run(self, rate: float, first: int, count: int) -> None:
        """Photographs first, first + 1, ...; `count` 0 goes on while there are any."""
        interval_us = 1e6 / rate
        begin_us = time.time_ns() // 1000 + 200_000
        number = 0
        while not self.stopping and (not count or number < count):
            event = self._event(first + number, begin_us + int(number * interval_us))
            try:
                jpeg = self._spool[event.photo].jpeg
            except IndexError:
                return
            self._wait_until(event.time_us)
            if not self.stopping:
                self._send(event, jpeg)
                number += 1

    def _event(self, photo: int, time_us: int) -> Sent:
        camera = CAMERAS[self._rng.integers(len(CAMERAS))]
        return Sent(f"{camera.name}-{photo}", time_us, camera.name, camera.location_id, photo)

    def _wait_until(self, due_us: int) -> None:
        """Sleep to just before, serving delivery reports on the way, then spin: sleeping overshoots."""
        while not self.stopping:
            left_s = due_us / 1e6 - time.time()
            if left_s <= 0:
                return
            if left_s > _SLACK_S:
                self._producer.poll(0)
                time.sleep(min(0.05, left_s - _SLACK_S))

    def _send(self, event: Sent, jpeg: bytes) -> None:
        attributes: dict[str, str | None] = {
            "id": event.id,
            "source": self._source,
            "type": EVENT_TYPE,
            "time": format_time_us(event.time_us),
            "camera": event.camera,
            "locationid": event.location_id,
        }
        headers = encode_headers(attributes, "image/jpeg")
        event.late_us = max(0, time.time_ns() // 1000 - event.time_us)
        self._producer.produce(TOPIC, key=event.camera, value=jpeg, headers=headers)
        self._producer.poll(0)
        self._sent.write(msgspec.json.encode(event).decode() + "\n")


def read_sent(path: Path) -> list[Sent]:
    """What was sent; a line that a killed sender left half done is not an event."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [msgspec.json.decode(line, type=Sent) for line in lines]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.replay", description="Send spooled photographs to Kafka.")
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--spool", type=Path, required=True, help="folder that demo.spool filled")
    parser.add_argument("--sent", type=Path, required=True, help="JSON lines: what was sent, when and from where")
    parser.add_argument("--rate", type=float, default=20, help="events a second")
    parser.add_argument("--first", type=int, default=0, help="index of the first photograph")
    parser.add_argument("--count", type=int, default=0, help="events; 0: while there are photographs")
    parser.add_argument("--source", default="/demo/cameras", help="CloudEvents source")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    producer = Producer(producer_config(options.bootstrap_servers))
    with options.sent.open("w") as sent:
        replay = Replay(producer, Spool(options.spool), sent, options.source, options.seed)
        signal.signal(signal.SIGTERM, lambda *_: setattr(replay, "stopping", True))
        producer.list_topics(TOPIC, timeout=10)  # connect before the first event is due
        gc.freeze()
        replay.run(options.rate, options.first, options.count)
        if left := producer.flush(30):
            raise SystemExit(f"{left} events were not acknowledged within 30 s")


if __name__ == "__main__":
    main()
