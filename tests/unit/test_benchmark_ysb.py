"""The Yahoo Streaming Benchmark's data: its form, and the counts it is checked against."""

import json
from collections import Counter

from benchmarks.ysb.events import START_MS, Generator
from benchmarks.ysb.figures import slope
from benchmarks.ysb.run import Figures


def values(generator: Generator, count: int) -> list[bytes]:
    return [value for chunk in generator.chunks(count) for value in chunk.values]


def test_a_smaller_count_is_a_prefix():
    assert values(Generator(7, 1_000), 120_000)[:70_000] == values(Generator(7, 1_000), 70_000)


def test_the_form_is_the_original_generators():
    first = values(Generator(7, 1_000), 1)[0].decode()
    event = json.loads(first)
    fields = ["user_id", "page_id", "ad_id", "ad_type", "event_type", "event_time", "ip_address"]
    assert list(event) == fields
    assert first == "{" + ", ".join(f'"{field}": "{event[field]}"' for field in fields) + "}"
    assert event["event_time"] == str(START_MS)


def test_counts_are_those_of_the_events():
    generator = Generator(7, 1_000)
    counted: Counter[tuple[str, int]] = Counter()
    for event in map(json.loads, values(generator, 60_000)):
        if event["event_type"] == "view":
            counted[generator.ads[event["ad_id"]], int(event["event_time"]) // 10_000 * 10_000] += 1
    truth: Counter[tuple[str, int]] = sum((chunk.views for chunk in generator.chunks(60_000)), Counter())
    assert truth == counted
    assert generator.end_ms(60_000) == START_MS + 60_000


def test_start_up_is_in_no_figure():
    small, large = (Figures(5 + n * 2e-6, 8 + n * 4e-6, 0, 0, 0, 0) for n in (1_000_000, 3_000_000))
    cpu_s, rate = slope(small, large, 2_000_000)
    assert abs(cpu_s - 2) < 1e-9
    assert rate is not None
    assert abs(rate - 250_000) < 1e-6
