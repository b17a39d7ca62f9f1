"""The table, and the events that are joined with it."""

import json
import random

from benchmarks.peers.rig import Rig
from benchmarks.ysb.load import producer

ROWS = 10_000
_PAYLOAD = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz", k=110))


def key_of(number: int) -> str:
    return f"place-{number:06d}"


def load(rig: Rig) -> str:
    """A compacted topic of key → {"key", "name"}."""
    name = rig.create_topic("places", cleanup="compact")
    sender = producer(rig.bootstrap_servers)
    for number in range(ROWS):
        row = {"key": key_of(number), "name": f"the name of place {number}"}
        sender.produce(name, json.dumps(row).encode(), key_of(number))
    sender.flush()
    return name


def event(number: int, sent_us: int) -> bytes:
    """About 200 bytes of JSON. `sent` is when it was due, µs since the epoch; 7919 is prime: all keys, in disorder."""
    key = key_of(number * 7919 % ROWS)
    return f'{{"id":{number},"sent":{sent_us},"key":"{key}","kind":"reading","payload":"{_PAYLOAD}"}}'.encode()
