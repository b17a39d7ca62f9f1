"""`sightline query` over a range of a topic gives the rows that the joiner's process gives."""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from sightline.cli.__main__ import main
from sightline.events import format_time_us
from sightline.io.kafka import Topic, admin, create_topics
from tests.integration.harness import Reader, producer, service
from tools.kafka import Broker
from tools.processes import free_port

PARTITIONS = 3
EVENTS = 3_000
START_MS = 1_600_000_000_000
CLOSING_MS = START_MS + 365 * 86_400_000
"""Far after all windows of the test: it closes them, and its own is left out."""

PIPELINE = """\
version: 1
name: {events}
sources:
  events:
    topic: {events}
    format: json
    columns: {{n: bigint, place: string, kind: string, x: double, at: bigint}}
    event_time: timestamp_millis(at)
    watermark: 2s
    idle: 1h
tables:
  places: {{topic: {places}, key: code, columns: {{code: string, name: string, height: int}}}}
query: |
  {query}
sink: {{topic: {rows}, key: [{key}]}}
"""

QUERIES = {
    "filter": ("n", "SELECT n, e.time, x * 2 AS twice, upper(kind) AS kind FROM events e WHERE x > 0.3 AND n % 2 = 0"),
    "join": ("n", "SELECT e.n, p.name, p.height + e.n AS up FROM events e JOIN places p ON e.place = p.code"),
    "left join": (
        "n",
        "SELECT e.n, e.kind, p.name FROM events e LEFT JOIN places p ON e.place = p.code AND p.height > 3",
    ),
    "join on another column": (
        "n",
        "SELECT e.n, p.code FROM events e JOIN places p ON p.name = concat('station ', e.kind) WHERE e.x < 0.1",
    ),
    "windows": (
        "name",
        "SELECT p.name, window.start AS start, count(*) AS rows, sum(e.n) AS total, max(e.kind) AS last "
        "FROM events e JOIN places p ON e.place = p.code GROUP BY p.name, window(e.time, '5 seconds') "
        "HAVING count(*) > 1",
    ),
    "sliding windows": (
        "kind",
        "SELECT e.kind, window.end AS till, count(DISTINCT e.place) AS places, min(e.n) AS first "
        "FROM events e WHERE e.x < 0.8 OR e.kind = 'z' GROUP BY e.kind, window(e.time, '10 seconds', '5 seconds')",
    ),
}


def send(broker: Broker, events: str, places: str) -> None:
    """Out of order by up to 3 s, so that a few are late; then one that closes all windows of its partition."""
    numbers = random.Random(20260131)
    kafka = producer(broker.bootstrap_servers)
    for code in "ABCDE":
        row = {"code": code, "name": f"station {code.lower()}", "height": ord(code) - 63}
        kafka.send(places, json.dumps(row).encode(), code.encode())
    sent = []
    for n in range(EVENTS):
        at_ms = START_MS + n * 20 - numbers.randrange(3_000)
        event = {
            "n": n,
            "place": numbers.choice(["A", "B", "C", "D", "E", "F", None]),
            "kind": numbers.choice("abc"),
            "x": round(numbers.random(), 3),
            "at": at_ms,
        }
        sent.append(kafka.send(events, json.dumps(event).encode(), partition=n % PARTITIONS, timestamp_ms=at_ms))
    closing = {"n": -1, "place": "A", "kind": "z", "x": 0.05, "at": CLOSING_MS}
    for partition in range(PARTITIONS):
        sent.append(kafka.send(events, json.dumps(closing).encode(), partition=partition, timestamp_ms=CLOSING_MS))
    for each in sent:
        each.get(60)
    kafka.close()


def is_closing(row: dict[str, object]) -> bool:
    return any(isinstance(each, str) and each.startswith("2021-") for each in row.values())


def counted(rows: list[dict[str, object]]) -> Counter[str]:
    return Counter(json.dumps(each, sort_keys=True) for each in rows if not is_closing(each))


@pytest.mark.parametrize("name", QUERIES)
def test_batch_equals_stream(broker: Broker, unique: Callable[[str], str], tmp_path: Path, root: Path, name: str):
    names = {each: unique(each) for each in ("events", "places", "rows", "letters")}
    create_topics(
        admin(broker.bootstrap_servers), [Topic(each, PARTITIONS, {"retention.ms": "-1"}) for each in names.values()]
    )
    send(broker, names["events"], names["places"])
    key, query = QUERIES[name]
    pipeline = tmp_path / "pipeline.yaml"
    pipeline.write_text(PIPELINE.format(**names, query=query, key=key))

    output = tmp_path / "rows.jsonl"
    letters = tmp_path / "letters.jsonl"
    subprocess.run(
        [
            *(sys.executable, "-m", "sightline.cli", "query", str(pipeline), "--input", f"{names['events']}@[,]"),
            *("--output", str(output), "--bootstrap-servers", broker.bootstrap_servers),
            *("--on-error", "dead-letter", "--dead-letters", str(letters)),
        ],
        cwd=root,
        check=True,
    )
    batch = [json.loads(line) for line in output.read_bytes().splitlines()]
    late = letters.read_bytes().count(b"\n") if letters.exists() else 0

    reader, letter_reader = (Reader(broker.bootstrap_servers, names[each]) for each in ("rows", "letters"))
    flags = ["--pipeline", str(pipeline), "--bootstrap-servers", broker.bootstrap_servers]
    flags += ["--dead-letter-topic", names["letters"], "--featurizer-address", f"127.0.0.1:{free_port()}"]
    expected = counted(batch)
    assert expected.total() > 20
    with service("stream_joiner", tmp_path, *flags):
        # The closing rows of the stream, whose window stays open, are in no result of windows.
        reader.until(expected.total())
        letter_reader.until(late)
    stream = counted([json.loads(each.value) for each in reader.poll()])
    assert stream == expected
    assert len(letter_reader.poll()) == late
    assert (late > 0) == ("window" in name)
    for each in (reader, letter_reader):
        each.close()


def test_a_range_is_of_offsets_or_of_record_timestamps(broker: Broker, unique: Callable[[str], str], tmp_path: Path):
    names = {each: unique(each) for each in ("events", "places", "rows")}
    create_topics(admin(broker.bootstrap_servers), [Topic(each, 2) for each in names.values()])
    pipeline = tmp_path / "pipeline.yaml"
    pipeline.write_text(PIPELINE.format(**names, query="SELECT e.n FROM events e", key="n"))
    kafka = producer(broker.bootstrap_servers)
    start_ms = time.time_ns() // 1_000_000 - 60_000
    for n in range(20):
        value = json.dumps({"n": n, "at": start_ms}).encode()
        kafka.send(names["events"], value, partition=n % 2, timestamp_ms=start_ms + n * 1000).get(60)
    kafka.close()

    def numbers(bounds: str) -> list[int]:
        argv = [
            "query",
            str(pipeline),
            "--input",
            names["events"] + "@" + bounds,
            "--output",
            str(tmp_path / "o.jsonl"),
        ]
        assert main([*argv, "--bootstrap-servers", broker.bootstrap_servers]) == 0
        return [json.loads(line)["n"] for line in (tmp_path / "o.jsonl").read_bytes().splitlines()]

    def at(n: int) -> str:
        return format_time_us((start_ms + n * 1000) * 1000)

    assert numbers("[,]") == [*range(0, 20, 2), *range(1, 20, 2)]
    assert numbers("[2,4)") == [4, 6, 5, 7]
    assert numbers("(8,100]") == [18, 19]
    assert numbers("[50,100]") == []
    assert numbers(f"[{at(16)},]") == [16, 18, 17, 19]
    assert numbers(f"({at(3)},{at(6)})") == [4, 5]
    assert numbers(f"[{at(3)},{at(6)}]") == [4, 6, 3, 5]
