"""Keys in the window state: what an event costs, the bytes a key, and the way back after kill -9."""

import argparse
import dataclasses
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from confluent_kafka import Consumer, TopicPartition

from benchmarks.growth import figures
from benchmarks.growth.joiner import at_s, joiner, logged, read_whole, sink_records, until
from benchmarks.growth.load import Topic, events_of, fill, load, name_of, reading
from benchmarks.growth.sections import rounds, small
from benchmarks.peers.engine import Engine, Job
from benchmarks.peers.rig import Rig
from benchmarks.ysb.events import START_MS
from sightline.io.kafka import end_offsets, reader_config

MANY_KEYS = 100_000
"""From here on the topic grows by half as many events, which take long enough, and memory by more than buffers vary."""

_CLOSING_MS = START_MS + 2 * 3_600_000


class Row(msgspec.Struct):
    device: str
    events: int


class Back(NamedTuple):
    """After kill -9: seconds that reading the changelog took, and from the start until the state was there; then from
    the event that closes the window until all its groups were in the sink; how many of those are wrong.
    """

    restore_s: float
    back_s: float
    changelog_records: int
    close_s: float
    wrong: int


def measure(rig: Rig, keys: int, options: argparse.Namespace) -> dict[str, Any]:
    """Both topics hold every key, so that the slope is that of events whose keys are there."""
    events = options.events // 2 if keys >= MANY_KEYS else options.events
    fewest = max(keys, small(events))
    less, more = (load(rig, f"keys-{keys}-{count}", count, keys, reading) for count in (fewest, fewest + events))
    engine = joiner("keys.yaml")
    pairs = rounds(options.rounds, (less, more), lambda topic: read_whole(rig, engine, topic))
    back = restart(rig, engine, pairs[-1].large.jobs[0], more)
    found = figures.case(pairs) | {"restart": back._asdict(), "events": more.events}
    found["rows_right"] = found["rows_right"] and not back.wrong
    return found


def add_bytes_a_key(section: dict[str, Any]) -> None:
    """By how much more memory than with the fewest keys the joiner has, for each key more."""
    base_keys = min(map(int, section))
    base_mb = section[str(base_keys)]["rss_mb_settled"]
    for keys, found in section.items():
        if int(keys) > base_keys and int(keys) >= MANY_KEYS:
            found["bytes_per_key"] = round((found["rss_mb_settled"] - base_mb) * 1e6 / (int(keys) - base_keys))


def restart(rig: Rig, engine: Engine, killed: Job, topic: Topic) -> Back:
    """Start what was killed again; close the window, and compare every group with what was sent."""
    job = dataclasses.replace(killed, directory=killed.directory / "restart")
    job.directory.mkdir()
    client, begin_s = rig.admin, time.time()
    changelog_records = end_offsets(client, [TopicPartition(f"{job.sink}-changelog", 0)])[0]
    with rig.run(engine, job) as run:
        process = run.processes[0]
        until([run], lambda: logged(process, "state restored") is not None)
        line = logged(process, "state restored")
        assert line
        if line["keys"] != topic.devices:
            print(f"  {line['keys']:,} keys were restored, {topic.devices:,} there were", flush=True)
        closed_at = time.monotonic()
        closing = f'{{"device": "{name_of(0)}", "reading": 0.5, "at": {_CLOSING_MS}}}'.encode()
        fill(rig, topic.name, [(name_of(0), closing)])
        until([run], lambda: sink_records(client, job) >= topic.devices)
        close_s = time.monotonic() - closed_at
    wrong = _wrong(rig, job, topic)
    return Back(line["seconds"], round(at_s(line) - begin_s, 3), changelog_records, round(close_s, 3), wrong)


def _wrong(rig: Rig, job: Job, topic: Topic) -> int:
    """Groups whose newest row in the sink has another count than that of the events sent."""
    received = {row.device: row.events for row in _rows(rig, job)}
    names = ((name_of(each), events_of(each, topic.events, topic.devices)) for each in range(topic.devices))
    return sum(received.get(name) != events for name, events in names)


def _rows(rig: Rig, job: Job) -> Iterator[Row]:
    decode, end = msgspec.json.Decoder(Row).decode, sink_records(rig.admin, job)
    consumer = Consumer(reader_config(rig.bootstrap_servers))
    consumer.assign([TopicPartition(job.sink, 0, 0)])
    left = end
    while left:
        for message in consumer.consume(min(left, 10_000), 0.2):
            if message.error() is None:
                left -= 1
                yield decode(message.value() or b"")
    consumer.close()
