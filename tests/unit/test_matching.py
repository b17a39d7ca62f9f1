"""What leaves for events that match: a batch gives what each of its events would give alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from prometheus_client import CollectorRegistry

from services.stream_joiner.matching import Answered, Matching, Results, Scanned
from services.stream_joiner.metrics import Metrics
from services.stream_joiner.sink import Output
from sightline.events import Event, Origin
from sightline.ids import match_id, record_match_id
from sightline.io.kafka import TopicInfo
from sightline.matches import Match, decode
from sightline.query.pipeline import PipelineFile

PIPELINE = """\
version: 1
name: p
sources: {events: {topic: events}}
tables: {}
query: SELECT id FROM events
sink: {topic: out, key: [id]}
"""

TIME_US, POLLED_US, SUBMITTED_US = 1_790_000_000_000_000, 1_790_000_000_004_000, 1_790_000_000_004_500
ROWS: Results = [(0, [{"id": "a"}]), (2, [{"id": "b"}, {"id": None}]), (3, [{"id": "d"}])]


class Bench:
    def __init__(self, directory: Path, plain: bool) -> None:
        path = directory / "p.yaml"
        path.write_text(PIPELINE.replace("[id]}", "[id], format: json}") if plain else PIPELINE)
        self.registry = CollectorRegistry()
        metrics = Metrics("p", self.registry)
        topics = {"events": TopicInfo("topic-id", 4)}
        self.matching = Matching(PipelineFile(path).pipeline, "cluster", topics, metrics)

    def value(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, {"pipeline": "p", **labels}) or 0.0


def scanned(events: Sequence[Event | None], first: int = 0) -> Scanned:
    times_us = [TIME_US + (first + each) * 700 for each in range(len(events))]
    offsets = [100 + first + each for each in range(len(events))]
    return Scanned("events", 3, events, times_us, offsets, POLLED_US, SUBMITTED_US, SUBMITTED_US)


def image_event(number: int) -> Event:
    trace = f"00-{number:032x}-1" if number else None
    return Event(str(number), "camera", "t", TIME_US, None, None, None, b"", {}, trace)


RECORDS: list[Event | None] = [None] * 4
EVENTS = [image_event(number) for number in range(4)]


def decoded(output: Output) -> Match:
    match = decode(output.value, output.headers)
    assert isinstance(match, Match)
    return match


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("events", [RECORDS, EVENTS])
def test_a_batch_gives_what_each_event_gives_alone(tmp_path: Path, plain: bool, events: list[Any]) -> None:
    matching = Bench(tmp_path, plain).matching
    alone = [
        output
        for index, rows in ROWS
        for output in matching.outputs([(0, rows)], scanned([events[index]], first=index), None)
    ]
    assert matching.outputs(ROWS, scanned(events), None) == alone
    assert [(each.topic, each.key, each.value) for each in alone] == [
        ("out", b"a", b'{"id":"a"}'),
        ("out", b"b", b'{"id":"b"}'),
        ("out", None, b'{"id":null}'),
        ("out", b"d", b'{"id":"d"}'),
    ]


def test_a_record_without_an_id_is_named_by_its_place(tmp_path: Path) -> None:
    match = decoded(Bench(tmp_path, plain=False).matching.outputs(ROWS, scanned(RECORDS), None)[2])
    origin = Origin("cluster", "topic-id", "events", 3, 102)
    assert match == Match(
        id=record_match_id("p", origin, 1),
        pipeline="p",
        time_us=TIME_US + 1400,
        event_id=str(origin),
        event_source="events",
        origin=origin,
        match_time_us=SUBMITTED_US,
        columns={"id": None},
        stage_us={"ingest": 2600, "join": 500, "featurize": 0},
    )


def test_a_scored_event_carries_its_own_id_its_trace_and_the_model(tmp_path: Path) -> None:
    answered = Answered("bond", "3", "litert", 700, 5000)
    scored = structs.replace(scanned(EVENTS), matched_us=SUBMITTED_US + 6_000)
    match = decoded(Bench(tmp_path, plain=False).matching.outputs(ROWS, scored, answered)[3])
    assert match.id == match_id("p", "camera", "3", 0)
    assert (match.event_id, match.event_source, match.traceparent) == ("3", "camera", EVENTS[3].traceparent)
    assert (match.model, match.model_version, match.engine) == ("bond", "3", "litert")
    stages = match.stage_us
    assert (stages["featurize"], stages["decode"], stages["inference"]) == (6000, 700, 5000)
    # Decode and inference lie inside featurize: the three stages end where the match was made.
    assert match.time_us + sum(stages[each] for each in ("ingest", "join", "featurize")) == match.match_time_us


def test_what_is_counted(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plain=True)
    ahead = structs.replace(scanned(RECORDS), times_us=[POLLED_US + 1000, 0, POLLED_US - 2000, POLLED_US - 60_000])
    bench.matching.observe(ROWS, ahead)
    assert bench.value("sightline_events_total", outcome="matched") == 3
    assert bench.registry.get_sample_value("sightline_clock_skew_total") == 1
    stage = "sightline_stage_seconds"
    assert bench.value(f"{stage}_sum", stage="ingest") == pytest.approx(0.062)
    assert bench.value(f"{stage}_bucket", stage="ingest", le="0.0005") == 1
    assert bench.value(f"{stage}_bucket", stage="ingest", le="0.002") == 2
    assert bench.value(f"{stage}_count", stage="join") == 3
    assert bench.value(f"{stage}_sum", stage="join") == pytest.approx(0.0015)
