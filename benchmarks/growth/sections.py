"""What grows: payloads, pipelines at once, rows of a joined table. (Keys: keys.py.)"""

import argparse
import time
from collections.abc import Callable
from typing import Any

from benchmarks.growth import figures
from benchmarks.growth.figures import Pair
from benchmarks.growth.joiner import Whole, at_s, joiner, logged, read_whole, until
from benchmarks.growth.load import CLASSES, Topic, events_of, load, load_table, padded, plain_reading, reading
from benchmarks.peers.engine import Engine
from benchmarks.peers.rig import Rig

DEVICES = 100
"""In the events of payload and pipelines."""

TOPIC_BYTES_MAX = 1_000_000_000
"""With large payloads there are fewer events: the difference between the two topics holds so much at most."""


WARM_UP_EVENTS = 100_000


def warm_up(rig: Rig) -> None:
    """A first joiner waits for the broker to make its own topics, and for its code to be compiled."""
    print("warm-up", flush=True)
    read_whole(rig, joiner("keys.yaml"), load(rig, "warm-up", WARM_UP_EVENTS, DEVICES, reading))


def small(events: int) -> int:
    """Of the smaller topic, where the larger has `events` more."""
    return max(1, events // 4)


def rounds(count: int, topics: tuple[Topic, Topic], run: Callable[[Topic], Whole]) -> list[Pair]:
    pairs = []
    for number in range(count):
        print(f"  round {number + 1} ...", flush=True)
        first, second = (run(topic) for topic in topics)
        pairs.append(Pair(first, second, topics[1].events - topics[0].events))
    return pairs


def payload(rig: Rig, value_bytes: int, options: argparse.Namespace) -> dict[str, Any]:
    """Values of this size, of which the query reads two columns."""
    events = min(options.events, TOPIC_BYTES_MAX // value_bytes)
    make, engine = padded(value_bytes), joiner("payload.yaml")
    less, more = (
        load(rig, f"payload-{value_bytes}-{count}", count, DEVICES, make)
        for count in (small(events), small(events) + events)
    )
    passing = {topic.name: -(-topic.events // CLASSES) for topic in (less, more)}
    pairs = rounds(options.rounds, (less, more), lambda topic: read_whole(rig, engine, topic, passing[topic.name]))
    found = figures.case(pairs)
    if rate := found["events_per_s"]:
        found["mb_per_s"] = round(rate["median"] * value_bytes / 1e6, 1)
    return found | {"events": more.events}


def pipelines(rig: Rig, count: int, options: argparse.Namespace) -> dict[str, Any]:
    """So many joiners read one topic at once; an event counts once for each of them. Nothing is pinned."""
    sizes = (small(options.events), small(options.events) + options.events)
    less, more = (load(rig, f"events-{size}", size, DEVICES, reading) for size in sizes)
    engine = joiner("keys.yaml")
    pairs = rounds(options.rounds, (less, more), lambda topic: read_whole(rig, engine, topic, pipelines=count))
    return figures.case([pair._replace(events=pair.events * count) for pair in pairs]) | {"events": more.events}


def table(rig: Rig, rows: int, options: argparse.Namespace) -> dict[str, Any]:
    """A table of so many rows. The slope is that of joiners begun from a snapshot: its load time varies less.

    `start_s` is the time to readiness: from the topic alone; from the topic, writing the snapshot; from the snapshot.
    Memory holds the pages of the mapped file too, where the table is on disk.
    """
    name = load_table(rig, rows)
    state = rig.directory / f"state-{rows}"
    sizes = (small(options.events), small(options.events) + options.events)
    less, more = (load(rig, f"joined-{rows}-{size}", size, rows, plain_reading) for size in sizes)
    passing = {
        topic.name: sum(events_of(each, topic.events, rows) for each in range(0, rows, CLASSES))
        for topic in (less, more)
    }
    kept = joiner("table.yaml", state_dir=state.resolve())
    from_topic, _ = _start(rig, joiner("table.yaml"), less, name)
    writing, loaded = _start(rig, kept, less, name)
    pairs = rounds(options.rounds, (less, more), lambda topic: read_whole(rig, kept, topic, passing[topic.name], name))
    starts = [run.start_s for pair in pairs for run in (pair.small, pair.large)]
    return figures.case(pairs) | {
        "start_s": {
            "topic": round(from_topic, 2),
            "topic_writing_snapshot": round(writing, 2),
            "snapshot": round(min(starts), 2),
        },
        "on_disk": bool(loaded["on_disk"]),
        "events": more.events,
    }


def _start(rig: Rig, engine: Engine, topic: Topic, table_name: str) -> tuple[float, dict[str, Any]]:
    """Seconds from a joiner's start to its readiness, and what it said of its table; then it is killed."""
    job, begin_s = rig.job(engine, topic.name, table_name, 1), time.time()
    with rig.run(engine, job) as run:
        process = run.processes[0]
        until([run], lambda: logged(process, "ready") is not None)
        return at_s(logged(process, "ready")) - begin_s, logged(process, "table loaded") or {}
