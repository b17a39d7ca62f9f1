"""Photographs as camera events, at a steady rate."""

import argparse
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path
from typing import NamedTuple

from sightline.cli.kafka_options import brokers
from sightline.cli.send_alert import AlertWaiter, waiter
from sightline.cli.send_delivery import Delivery
from sightline.errors import ConfigError
from sightline.events import EVENT_TYPE, encode_headers, format_time_us

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
POLL_S = 0.05
LISTED_MAX = 10
"""Events whose places are printed one by one."""
IDS_MAX = 10_000
"""Newest events whose alert is waited for."""


class _Event(NamedTuple):
    id: str
    camera: str
    value: bytes
    headers: list[tuple[str, bytes]]


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError for a file that is no photograph."""
    photographs = [(path, _content_type(path)) for path in find(arguments.image)]
    where = brokers(arguments)
    delivery = Delivery(where, arguments.topic or "events", "events", arguments.timeout_s)
    waiting = waiter(arguments, where) if arguments.wait_alert else None
    try:
        return _send(arguments, photographs, delivery, waiting)
    finally:
        if waiting:
            waiting.close()


def _send(
    arguments: argparse.Namespace,
    photographs: list[tuple[Path, str]],
    delivery: Delivery,
    waiting: AlertWaiter | None,
) -> int:
    wanted = len(photographs) if arguments.count is None else arguments.count
    stopping: list[int] = []
    if not wanted:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda number, _: stopping.append(number))
    ids: list[str] = []
    begin_s = time.monotonic()
    events = _events(arguments, photographs)
    for number in range(wanted) if wanted else count():
        due_s = begin_s + number / arguments.rate
        while not stopping and (left_s := due_s - time.monotonic()) > 0:
            delivery.serve(min(left_s, POLL_S))
        if stopping:
            break
        event = next(events)
        delivery.send(event.camera, event.value, event.headers)
        ids = [*ids[-IDS_MAX:], event.id]
    delivery.finish()
    if delivery.acknowledged <= LISTED_MAX:
        for event_id, place in zip(ids, delivery.places, strict=True):
            print(f"event {event_id}: {place}", flush=True)
    else:
        print(f"{delivery.acknowledged} events sent", flush=True)
    if waiting is None:
        return 0
    found = waiting.wait(set(ids), arguments.timeout_s)
    if found is None:
        said = f"no alert for {'this event' if len(ids) == 1 else 'any of these events'}"
        print(f"sightline send: {said} within {arguments.timeout_s:g} s at {waiting.where}", file=sys.stderr)
        return 1
    print(found)
    return 0


def _events(arguments: argparse.Namespace, photographs: list[tuple[Path, str]]) -> Iterator[_Event]:
    """Without an end. The time of an event is when it is asked for."""
    turns = zip(cycle(photographs), cycle(arguments.camera), cycle(arguments.location_id or [None]), strict=False)
    for (path, content_type), camera, location in turns:
        event_id, value = str(uuid.uuid4()), path.read_bytes()
        attributes = {
            "id": event_id,
            "source": arguments.source,
            "type": EVENT_TYPE,
            "time": format_time_us(time.time_ns() // 1000),
            "camera": camera,
            "locationid": location,
        }
        yield _Event(event_id, camera, value, encode_headers(attributes, content_type))


def find(given: list[Path]) -> list[Path]:
    """Files as they are; of a directory its photographs, by name. Raises ConfigError where there is none."""
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES and each.is_file())
            # A mounted ConfigMap has each file once more, in a hidden folder that its name is a link into.
            inside = [each for each in inside if not any(map(_hidden, each.relative_to(path).parts))]
            if not inside:
                raise ConfigError(f"no file ends with {', '.join(SUFFIXES)}", file=path, key="--image")
            found += inside
        else:
            found.append(path)
    return found


def _hidden(name: str) -> bool:
    return name.startswith(".")


def _content_type(path: Path) -> str:
    """By its first bytes, whatever the file is called."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror}", file=path, key="--image") from None
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        return "image/webp"
    raise ConfigError("is neither JPEG, PNG nor WebP", file=path, key="--image")
