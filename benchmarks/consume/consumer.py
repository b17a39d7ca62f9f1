"""One way of reading a whole topic, measured: `python -m benchmarks.consume.consumer WAY BOOTSTRAP TOPIC RECORDS`.

Prints JSON: CPU seconds of this process (user and system, all threads) and wall seconds, from before the assignment
until the last record.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from sightline.compiled import NATIVE_VARIABLE
from sightline.formats.json import JsonReader
from sightline.formats.reader import one_by_one
from sightline.io.batches import BatchConsumer
from sightline.io.kafka import reader_config
from sightline.query.types import STRING

COLUMNS = ("ad_id", "event_type", "event_time")
RECORDS_MAX = 10_000
THROUGHPUT = {"queued.min.messages": 1_000_000}

Step = Callable[[], int]
Assign = Callable[[list[TopicPartition]], None]


def client(consumer: Consumer) -> tuple[Assign, Step]:
    """confluent-kafka alone, the values untouched."""
    return consumer.assign, lambda: len(consumer.consume(RECORDS_MAX, 0.1))


def objects(consumer: Consumer) -> tuple[Assign, Step]:
    """A Python object and a decoder call for each record."""
    reader = JsonReader(dict.fromkeys(COLUMNS, STRING))
    batches = BatchConsumer(consumer, _raise)

    def step() -> int:
        return sum(len(one_by_one(reader, each)[0]) for each in batches.poll(0.1, RECORDS_MAX))

    return batches.assign, step


def native(consumer: Consumer) -> tuple[Assign, Step]:
    """No Python object for a record, the values untouched."""
    batches = BatchConsumer(consumer, _raise)
    return batches.assign, lambda: sum(map(len, batches.poll(0.1, RECORDS_MAX)))


def columns(consumer: Consumer) -> tuple[Assign, Step]:
    """What the joiner does where everything in a batch is plain; the strings are not made."""
    reader = JsonReader(dict.fromkeys(COLUMNS, STRING))
    batches = BatchConsumer(consumer, _raise)
    return batches.assign, lambda: sum(len(reader.read_columns(each) or ()) for each in batches.poll(0.1, RECORDS_MAX))


def rows(consumer: Consumer) -> tuple[Assign, Step]:
    """What the joiner does else: batches, each decoded by one call. Natively or not, by SIGHTLINE_NATIVE."""
    reader = JsonReader(dict.fromkeys(COLUMNS, STRING))
    batches = BatchConsumer(consumer, _raise)
    return batches.assign, lambda: sum(len(reader.read_many(each)[0]) for each in batches.poll(0.1, RECORDS_MAX))


def _raise(error: Any, partition: TopicPartition) -> None:
    raise SystemExit(f"{partition}: {error}")


WAYS: dict[str, tuple[Callable[[Consumer], tuple[Assign, Step]], str]] = {
    "client": (client, "0"),
    "objects": (objects, "0"),
    "objects-lines": (rows, "0"),
    "native": (native, "1"),
    "native-lines": (rows, "1"),
    "native-columns": (columns, "1"),
}


def main() -> None:
    way, bootstrap, topic, count = sys.argv[1:]
    make, use_native = WAYS[way]
    os.environ[NATIVE_VARIABLE] = use_native
    consumer = Consumer(reader_config(bootstrap) | THROUGHPUT)
    assign, step = make(consumer)
    cpu_s, wall_s = _cpu_s(), time.perf_counter()
    assign([TopicPartition(topic, 0, 0)])
    left = int(count)
    while left > 0:
        left -= step()
    print(json.dumps({"cpu_s": _cpu_s() - cpu_s, "wall_s": time.perf_counter() - wall_s}))
    os._exit(0)  # what stands in queues would only be thrown away


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
