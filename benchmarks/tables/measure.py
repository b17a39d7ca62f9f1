"""One table of one size in one store; prints its figures as JSON. Run by `benchmarks.tables`."""

import gc
import json
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

from services.stream_joiner.table_topic import LOAD_RECORDS_MAX, RECORDS_MAX, YIELD_ROWS
from sightline.query.pipeline import Table
from sightline.query.tables import TableLimits, TableRows

COLUMNS = {"id": "string", "name": "string", "lat": "double", "lon": "double", "n": "bigint"}
LOOKUPS = 200_000
HOT_KEYS = 100
UPDATES = 1_000_000
STORM_S_MAX = 8.0
BATCH = 500
"""Look-ups between two refreshes, as in a batch of events."""


def main() -> None:
    store, count = sys.argv[1], int(sys.argv[2])
    limits = TableLimits(memory_rows_max=count if store == "memory" else 0)
    table = TableRows("bench", Table(topic="t", key="id", columns=COLUMNS), limits)
    gc.collect()
    before = _memory_bytes()
    load_s = _load(table, count)
    gc.collect()
    gc.freeze()  # as the service does once it is ready
    memory, file = _memory_bytes() - before, _file_bytes(table)
    shuffled = random.Random(7)
    spread = [_key(shuffled.randrange(count)) for _ in range(LOOKUPS)]
    figures = {
        "hot_us": _percentiles(_look_up(table, spread[:HOT_KEYS] * (LOOKUPS // HOT_KEYS))),
        "random_us": _percentiles(_look_up(table, spread)),
        "mean_random_us": _mean_us(table, spread),
        **_storm(table, count, spread),
        "memory_bytes_per_row": memory / count,
        "file_bytes_per_row": file / count,
        "load_rows_per_s": count / load_s,
    }
    table.close()
    print(json.dumps(figures))


def _key(number: int) -> str:
    return f"key-{number:08d}"


def _value(number: int, n: int) -> bytes:
    key = _key(number)
    return f'{{"id": "{key}", "name": "Station {number}", "lat": {number / 7}, "lon": {number / 9}, "n": {n}}}'.encode()


def _load(table: TableRows, count: int) -> float:
    """Seconds that applying took, in an order unlike that of the keys; making the records is not counted."""
    took = 0.0
    step = 7_368_787  # prime to every power of ten: each key once
    for start in range(0, count, LOAD_RECORDS_MAX):
        numbers = [(each * step) % count for each in range(start, min(start + LOAD_RECORDS_MAX, count))]
        records = [(_key(each).encode(), _value(each, 0)) for each in numbers]
        started = time.perf_counter()
        for key, value in records:
            refusal = table.apply(key, value, 0, 0)
            assert refusal is None
        table.commit({0: start})
        took += time.perf_counter() - started
    table.refresh()
    return took


def _look_up(table: TableRows, keys: list[str]) -> list[int]:
    """Nanoseconds of each look-up; the clock's own reading, about 0.05 µs, is in them."""
    find, clock, took = table.lookup(), time.perf_counter_ns, []
    for number, key in enumerate(keys):
        if number % BATCH == 0:
            table.refresh()
        started = clock()
        rows = find(key, 0)
        took.append(clock() - started)
        assert rows
    return took


def _mean_us(table: TableRows, keys: list[str]) -> float:
    """Without the clock between look-ups."""
    find = table.lookup()
    started = time.perf_counter()
    for key in keys:
        find(key, 0)
    return (time.perf_counter() - started) / len(keys) * 1e6


def _storm(table: TableRows, count: int, keys: list[str]) -> dict[str, Any]:
    """Look-ups while another thread applies updates as the reader's does, as fast as it can."""
    shuffled = random.Random(8)
    numbers = [shuffled.randrange(count) for _ in range(20_000)]
    records = [(_key(each).encode(), _value(each, 1)) for each in numbers]
    applied, stopping = [0], threading.Event()

    def update() -> None:
        while applied[0] < UPDATES and not stopping.is_set():
            for start in range(0, len(records), RECORDS_MAX):
                for number, (key, value) in enumerate(records[start : start + RECORDS_MAX]):
                    table.apply(key, value, 0, 0)
                    if number % YIELD_ROWS == 0:
                        time.sleep(0)
                table.commit({0: 0})
                applied[0] += RECORDS_MAX

    thread = threading.Thread(target=update)
    started = time.monotonic()
    thread.start()
    took: list[int] = []
    while thread.is_alive() and time.monotonic() < started + STORM_S_MAX:
        took += _look_up(table, keys[:20_000])
    stopping.set()
    seconds = time.monotonic() - started
    thread.join()
    return {"storm_us": _percentiles(took), "storm_updates": applied[0], "storm_updates_per_s": applied[0] / seconds}


def _percentiles(took_ns: list[int]) -> dict[str, float]:
    ordered = sorted(took_ns)
    at = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
    found = {name: ordered[int(len(ordered) * each)] / 1e3 for name, each in at.items()}
    return found | {"max": ordered[-1] / 1e3, "n": len(ordered)}


def _memory_bytes() -> int:
    """Anonymous memory: pages of a mapped file belong to the file, and the system may take them."""
    fields = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) * 1024


def _file_bytes(table: TableRows) -> int:
    return getattr(table._store, "file_bytes", 0)


if __name__ == "__main__":
    main()
