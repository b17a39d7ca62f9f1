"""A query over columns is the query over rows: the same results, refusals, counts and windows."""

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.formats.json import JsonReader
from sightline.formats.reader import read_rows
from sightline.io.records import Raw, RawBatch
from sightline.query.compiling.query import Found, Query, compile_plan
from sightline.query.pipeline import PipelineFile, Table
from sightline.query.planning.planner import plan
from sightline.query.runtime.columns import Columns
from sightline.query.tables import TableRows
from sightline.query.tables.binding import bind_tables
from sightline.query.types import parse_type
from sightline.query.windows.state import WindowState

HEAD = """\
version: 1
name: t
sources:
  events:
    topic: events
    format: json
    columns: {at: bigint, place: string, kind: string, n: int, x: double, ok: boolean, moment: timestamp}
    event_time: EVENT_TIME
    watermark: 2s
tables:
  places: {topic: places, key: code, columns: {code: string, name: string, height: int}}
sink: {topic: matches, key: [k]}
query: |
"""
TYPES = {
    "at": "bigint",
    "place": "string",
    "kind": "string",
    "n": "int",
    "x": "double",
    "ok": "boolean",
    "moment": "timestamp",
}
FROM = "FROM events e"
QUERIES = [
    f"SELECT kind AS k, n + 1 AS m, 100 / n AS part {FROM} WHERE kind = 'view' OR x > 0.5",
    # The first predicate compares a column with a literal: events that fail it are passed over.
    f"SELECT kind AS k, 100 / n AS part {FROM} WHERE kind = 'view' AND 100 / n > 40",
    f"SELECT kind AS k, p.name {FROM} JOIN places p ON e.place = p.code WHERE n = 2",
    f"SELECT p.name AS k, count(*) AS rows {FROM} JOIN places p ON e.place = p.code WHERE kind = 'view' "
    "GROUP BY p.name, window(e.time, '5 seconds')",
    f"SELECT place AS k, sum(100 / n) AS total {FROM} WHERE kind = 'view' "
    "GROUP BY place, window(e.time, '6 seconds', '2 seconds')",
    # Text that reads like the code that is generated.
    f"SELECT 'row.c1' AS k, kind = 'row.c2' AS same {FROM} WHERE kind <> 'row_c2'",
    f"SELECT kind AS k, p.name, p.height + n AS up {FROM} JOIN places p ON e.place = p.code",
    f"SELECT kind AS k, p.name {FROM} LEFT JOIN places p ON e.place = p.code AND p.height > n",
    f"SELECT kind AS k, p.code {FROM} JOIN places p ON p.name = concat('station ', e.kind) WHERE x < 0.9",
    f"SELECT kind AS k {FROM} LEFT SEMI JOIN places p ON e.place = p.code AND p.height > n",
    f"SELECT kind AS k {FROM} LEFT ANTI JOIN places p ON e.place = p.code",
    f"SELECT kind AS k, count(*) AS rows {FROM} WHERE ok GROUP BY kind, window(e.time, '5 seconds')",
    f"SELECT 1 AS k, count(*) AS rows {FROM} GROUP BY window(e.time, '5 seconds')",
    f"SELECT p.name AS k, sum(n) AS total, max(x) AS x {FROM} JOIN places p ON e.place = p.code "
    "GROUP BY p.name, window(e.time, '6 seconds', '2 seconds')",
    f"SELECT kind AS k, sum(100 / n) AS total {FROM} GROUP BY kind, window(e.time, '5 seconds')",
    f"SELECT q.code AS k {FROM} JOIN places p ON p.height = n JOIN places q ON q.code = if(p.code = 'A', e.place, 'B')",
    f"SELECT q.name AS k, sum(p.height) AS total {FROM} JOIN places p ON p.height = n JOIN places q ON q.code = place "
    "GROUP BY q.name, window(e.time, '5 seconds')",
]
EVENT_TIMES = [
    "timestamp_millis(at)",
    "timestamp_millis(CASE WHEN ok THEN at ELSE at + 10 END)",
    "timestamp_millis(if(concat(kind, 'row.c2') = 'row.c2', at, at))",
    "timestamp_millis(cast(length('row.c0') AS BIGINT) + at)",
    "timestamp_millis(CAST(1000 AS BIGINT))",
    "moment",
    "moment - INTERVAL 1 SECOND",
]
EVENT = st.fixed_dictionaries(
    {
        "at": st.integers(0, 20_000),
        "place": st.sampled_from(["A", "B", "C", None]),
        "kind": st.sampled_from(["view", "click", "", "row.c2", None]),
        "n": st.integers(-1, 3) | st.none(),
        "x": st.floats(0, 1) | st.none(),
        "ok": st.booleans() | st.none(),
        "moment": st.integers(0, 20_000).map(lambda ms: f"1970-01-01T00:00:{ms / 1000:06.3f}+00:00"),
    }
)


class Bench:
    def __init__(self, directory: Path, query: str, event_time: str) -> None:
        path = directory / "p.yaml"
        path.write_text(f"{HEAD.replace('EVENT_TIME', event_time)}  {query}\n")
        file = PipelineFile(path)
        reader = JsonReader({name: parse_type(text) for name, text in TYPES.items()})
        self.query: Query = compile_plan(*plan(file, dict(reader.columns)))
        self.reader = reader.needs(self.query.plan.source_columns)
        columns = {"code": "string", "name": "string", "height": "int"}
        table = TableRows("places", Table(topic="places", key="code", columns=columns))
        for row in ({"code": "A", "name": "station view", "height": 2}, {"code": "B", "name": "station ", "height": 0}):
            assert table.apply(None, json.dumps(row).encode(), 0, 0) is None
        self.bound = bind_tables(self.query, {"places": table})
        table.refresh()

    def batches(self, events: list[dict[str, Any]]) -> tuple[list[Any], Columns, list[int]]:
        values = [json.dumps(each).encode() for each in events]
        batch = RawBatch("t", 0, [Raw(None, each, [], 7_000 + at, at) for at, each in enumerate(values)])
        rows, refusals = read_rows(self.reader, batch)
        columns = self.reader.read_columns(batch)
        assert columns is not None and not refusals
        return rows, columns, batch.timestamps_ms

    def scan(self, rows: list[Any] | Columns, times: list[int], waiting: bool, first: int, replay: bool) -> str:
        windowing = self.query.windowing
        state, found = WindowState(windowing) if windowing else None, Found(waiting=waiting)
        if state and replay:
            state.included = {(0, ("view",)): 5}
        scan = self.bound.replay if replay else self.bound.scan
        index = scan(rows, times, range(len(times)), first, found, state)
        kept = (state.windows, state.late, state.top_us, state.key_count, state.dirty) if state else ()
        return f"{index} {found} {kept}"


@cache
def bench_of(query: str, event_time: str) -> Bench:
    with TemporaryDirectory() as directory:
        return Bench(Path(directory), query, event_time)


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("event_time", EVENT_TIMES)
@settings(max_examples=30)
@given(st.data())
def test_columns_give_what_rows_give(query: str, event_time: str, data: st.DataObject) -> None:
    bench = bench_of(query, event_time)
    rows, columns, stamps = bench.batches(data.draw(st.lists(EVENT, min_size=1, max_size=12)))
    times = bench.query.times(rows, stamps)
    assert bench.query.times(columns, stamps) == times
    choice = (data.draw(st.booleans()), data.draw(st.integers(0, len(rows) - 1)), data.draw(st.booleans()))
    assert bench.scan(columns, times, *choice) == bench.scan(rows, times, *choice)
