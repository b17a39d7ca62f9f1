"""Topics of events, deterministic, in which the devices come one after the other in disorder."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import NamedTuple

from benchmarks.peers.rig import Rig
from benchmarks.ysb.events import START_MS
from benchmarks.ysb.load import producer

CLASSES = 100
"""A row in so many passes the queries without a window."""

_STEP = 7_368_787
"""Prime to every power of ten: each device once in `devices` events."""

_FLUSH_BYTES = 32 << 20

Make = Callable[[int, int], tuple[str, bytes]]
"""(number of the event, devices) → its key and value."""


class Topic(NamedTuple):
    """A topic of `events` events of `devices` devices."""

    name: str
    events: int
    devices: int


def name_of(device: int) -> str:
    return f"device-{device:08d}"


def device_of(number: int, devices: int) -> int:
    """Of the event with this number."""
    return number * _STEP % devices


def events_of(device: int, count: int, devices: int) -> int:
    """How many of the first `count` events are the device's."""
    first = device * pow(_STEP, -1, devices) % devices if devices > 1 else 0
    return (count - first + devices - 1) // devices


def reading(number: int, devices: int) -> tuple[str, bytes]:
    """80 bytes of JSON; the time goes on by a millisecond every thousand events, so that one window has them all."""
    name, at_ms = name_of(device_of(number, devices)), START_MS + number // 1000
    return name, f'{{"device": "{name}", "reading": {number % 1000}.25, "at": {at_ms}}}'.encode()


def plain_reading(number: int, devices: int) -> tuple[str, bytes]:
    name = name_of(device_of(number, devices))
    return name, f'{{"device": "{name}", "reading": {number % CLASSES}.25}}'.encode()


def padded(value_bytes: int) -> Make:
    """Events of this many bytes: the device first, the reading last, between them fields of about 100 bytes."""
    start = len(plain_reading(0, 1)[1])
    fields: list[str] = []
    left = value_bytes - start
    while left > 160:
        number = len(fields)
        field = (
            f'"f{number}": {{"unit": "mm", "value": {number}.625, "ok": true, "tags": ["north", "old", "{number}"]}}, '
        )
        fields.append(field)
        left -= len(field)
    rest = '"rest": "", '
    fields.append(f'"rest": "{"x" * max(0, left - len(rest) - 1)}", ')
    between = "".join(fields)

    def make(number: int, devices: int) -> tuple[str, bytes]:
        name = name_of(device_of(number, devices))
        return name, f'{{"device": "{name}", {between}"reading": {number % CLASSES:2d}.25}}'.encode()

    return make


@cache
def load(rig: Rig, name: str, count: int, devices: int, make: Make) -> Topic:
    """A topic of one partition; asked for twice, it is there already."""
    print(f"  loading {count:,} events ...", end=" ", flush=True)
    rig.create_topic(name)
    fill(rig, name, (make(number, devices) for number in range(count)))
    print("loaded", flush=True)
    return Topic(name, count, devices)


def load_table(rig: Rig, rows: int) -> str:
    """A compacted topic of a row for each device."""
    print(f"  loading {rows:,} rows ...", end=" ", flush=True)
    name = rig.create_topic(f"devices-{rows}", cleanup="compact")
    fill(rig, name, _rows(rows))
    print("loaded", flush=True)
    return name


def fill(rig: Rig, topic: str, records: Iterable[tuple[str, bytes]]) -> None:
    """Keys and values, acknowledged when it returns."""
    sender, unsent_bytes = producer(rig.bootstrap_servers), 0
    for key, value in records:
        sender.produce(topic, value, key, partition=0)
        unsent_bytes += len(value)
        if unsent_bytes > _FLUSH_BYTES:
            sender.flush()
            unsent_bytes = 0
    sender.flush()


def _rows(rows: int) -> Iterator[tuple[str, bytes]]:
    for number in range(rows):
        device = device_of(number, rows)
        name = name_of(device)
        yield name, f'{{"id": "{name}", "name": "the name of {name}", "class": {device % CLASSES}}}'.encode()
