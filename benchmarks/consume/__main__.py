"""What it costs to read JSON records of 240 bytes from Kafka: CPU seconds of the consumer's process a million records.

One partition on a real broker, read whole by one process on one core, several times a way; the middle one counts.
Writes benchmarks/results/consume.json and consume.png.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from benchmarks.consume import plot
from benchmarks.consume.consumer import WAYS
from benchmarks.machine import versions
from benchmarks.report import RESULTS, make_parser
from demo.summary import cpu
from sightline.io.kafka import Topic, admin, create_topics, producer_config
from tools.kafka import Broker

SCRATCH = Path("build/bench-consume")
TOPIC = "ad-events"
SEED = 11
FLUSH_S = 120

EXAMPLES = """\
examples:
  python -m benchmarks.consume                            all ways, three times 2 million records, about 2 minutes
  python -m benchmarks.consume --records 200000 --runs 1  a quick look
"""


def main() -> None:
    parser = make_parser("benchmarks.consume", __doc__, EXAMPLES)
    parser.add_argument("--records", type=int, default=2_000_000)
    parser.add_argument("--runs", type=int, default=3, help="times that each way is measured")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of consume.json and consume.png")
    options = parser.parse_args()
    shutil.rmtree(SCRATCH, ignore_errors=True)
    with Broker(SCRATCH) as broker:
        create_topics(admin(broker.bootstrap_servers), [Topic(TOPIC)])
        record_bytes = _fill(broker, options.records)
        ways = {way: _measure(broker, way, options) for way in WAYS}
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "records": options.records,
        "record_bytes": record_bytes,
        "ways": ways,
        "cpu": cpu(),
        "versions": versions(),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "consume.json").write_text(json.dumps(result, indent=2) + "\n")
    plot.draw(result, options.out / "consume.png")
    print(f"{options.out / 'consume.json'}, {options.out / 'consume.png'}")


def _fill(broker: Broker, count: int) -> int:
    """Write the topic; returns the bytes of a value."""
    large_batches = {"linger.ms": 20, "batch.size": 1_000_000, "queue.buffering.max.messages": 500_000}
    producer = Producer(producer_config(broker.bootstrap_servers) | large_batches)
    size = 0
    for value in _values(count):
        size = len(value)
        while True:
            try:
                producer.produce(TOPIC, value, partition=0)
                break
            except BufferError:
                producer.poll(0.05)
    if producer.flush(FLUSH_S):
        raise SystemExit("the broker did not take all records")
    return size


def _values(count: int) -> Iterator[bytes]:
    """As the Yahoo streaming benchmark's advertisements look (https://github.com/yahoo/streaming-benchmarks)."""
    chance = random.Random(SEED)
    ids = [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(1000)]
    for number in range(count):
        user, page, ad = ids[number % 997], ids[number % 991], ids[number * 7 % 1000]
        kind = ("view", "click", "purchase")[number % 3]
        yield (
            f'{{"user_id":"{user}","page_id":"{page}","ad_id":"{ad}","ad_type":"banner78","event_type":"{kind}",'
            f'"event_time":"{1_790_000_000_000 + number}","ip_address":"1.2.3.4"}}'
        ).encode()


def _measure(broker: Broker, way: str, options: argparse.Namespace) -> dict[str, Any]:
    runs = sorted((_run(broker, way, options.records) for _ in range(options.runs)), key=lambda each: each["cpu_s"])
    million = options.records / 1e6
    found = {
        "cpu_s_per_million": round(statistics.median(each["cpu_s"] for each in runs) / million, 3),
        "cpu_s_per_million_runs": [round(each["cpu_s"] / million, 3) for each in runs],
        "records_per_s": round(options.records / statistics.median(each["wall_s"] for each in runs)),
    }
    print(f"{way}: {found['cpu_s_per_million']} CPU-s a million records, {found['records_per_s']:,}/s", flush=True)
    return found


def _run(broker: Broker, way: str, count: int) -> dict[str, float]:
    core = max(os.sched_getaffinity(0))
    argv = [sys.executable, "-m", "benchmarks.consume.consumer", way, broker.bootstrap_servers, TOPIC, str(count)]
    pinned = ["taskset", "-c", str(core), *argv]
    found: dict[str, float] = json.loads(subprocess.run(pinned, check=True, stdout=subprocess.PIPE).stdout)
    return found


if __name__ == "__main__":
    main()
