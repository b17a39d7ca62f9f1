"""Queries: what they give, what they refuse, and where the refusal points."""

from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import pytest

from sightline.errors import ConfigError
from sightline.events import Event, parse_time_us
from sightline.query.compiling.query import Found, Query, compile_plan
from sightline.query.pipeline import PipelineFile, Table, load_all
from sightline.query.planning.check import check
from sightline.query.planning.models import PREDICTION
from sightline.query.planning.planner import plan
from sightline.query.runtime.rows import struct_class
from sightline.query.schema import event_columns
from sightline.query.tables import TableRows
from sightline.query.windows.state import WindowState

HEAD = """\
version: 1
name: t
sources: {events: {topic: events, extensions: {lens: string}}}
tables:
  places: {topic: places, key: code, columns: {code: string, name: string, lat: double, open: boolean, n: bigint}}
sink: {topic: matches, key: [id]}
"""
FROM = "FROM events e JOIN places l ON e.locationid = l.code"

Compile = Callable[[str], Query]


@pytest.fixture
def compile_query(tmp_path: Path) -> Compile:
    def compiled(query: str) -> Query:
        path = tmp_path / "p.yaml"
        path.write_text(f"{HEAD}query: |\n{indent(query, '  ')}\n")
        file = PipelineFile(path)
        return compile_plan(*plan(file, event_columns(file.pipeline.sources["events"])))

    return compiled


def event(**changes: object) -> Event:
    base: dict[str, object] = {
        "id": "i1",
        "source": "s",
        "type": "t",
        "time_us": parse_time_us("2026-01-31T12:00:00.25Z"),
        "camera": "c",
        "locationid": "A",
        "subject": None,
        "image": b"jpeg",
        "extensions": {"lens": "wide"},
    }
    return Event(**(base | changes))  # type: ignore[arg-type]


def places(*rows: str) -> TableRows:
    columns = {"code": "string", "name": "string", "lat": "double", "open": "boolean", "n": "bigint"}
    table = TableRows("places", Table(topic="places", key="code", columns=columns))
    for row in rows:
        assert table.apply(None, row.encode(), 0, 0) is None
    return table


A = '{"code": "A", "name": "Station A", "lat": 1.5, "open": true, "n": 3}'
B = A.replace('"A"', '"B"')

prediction = struct_class(PREDICTION)


def scan(
    query: Query, table: TableRows, *events: Event, waiting: bool = False, state: WindowState | None = None
) -> Found:
    found = Found(waiting=waiting)
    lookups = [table.lookup(table.add_index(index.key) if index else 0) for _, index in query.indexes]
    times = query.times(events, [0] * len(events))
    query.bind(lookups).scan(events, times, range(len(events)), 0, found, state)
    return found


def rows_of(query: Query, table: str = A) -> list[dict[str, object]]:
    """The rows of one event, without a model."""
    return [row for _, rows in scan(query, places(table), event()).results for row in rows]


def test_join_project_and_format(compile_query: Compile) -> None:
    query = compile_query(f"SELECT e.id, e.time AS at, l.name, lens, l.lat {FROM} WHERE l.open")
    row = {"id": "i1", "at": "2026-01-31T12:00:00.250000Z", "name": "Station A", "lens": "wide", "lat": 1.5}
    assert rows_of(query) == [row]


def test_an_unknown_key_names_its_table_and_stops_a_scan_that_waits(compile_query: Compile) -> None:
    query, lost = compile_query(f"SELECT e.id {FROM}"), event(locationid="Z")
    found = scan(query, places(A), event(), lost, event())
    assert (found.unmatched, len(found.results)) == ([(1, "places", "Z")], 2)
    waiting = scan(query, places(A), event(), lost, event(), waiting=True)
    assert (waiting.unmatched, len(waiting.results)) == ([], 1)


@pytest.mark.parametrize(
    ("names", "results", "unmatched", "joined_away"),
    [("AB", 2, [], 0), ("AZ", 1, [], 0), ("YZ", 0, [(0, "places", "Z")], 0), ("", 0, [(0, "places", 3)], 0)],
)
def test_an_event_with_several_rows_ends_in_one_way(
    compile_query: Compile, names: str, results: int, unmatched: list[object], joined_away: int
) -> None:
    query = compile_query("SELECT e.id, m.code FROM events e JOIN places l ON l.n = 3 JOIN places m ON m.code = l.name")
    rows = [A.replace('"A"', f'"{"AB"[at]}"').replace("Station A", name) for at, name in enumerate(names)]
    found = scan(query, places(*rows), event())
    assert sum(len(rows) for _, rows in found.results) == results
    assert (found.unmatched, found.joined_away) == (unmatched, joined_away)


def test_an_event_with_several_rows_goes_into_windows_once(compile_query: Compile) -> None:
    query = compile_query(
        "SELECT l.n AS id, count(*) AS rows FROM events e JOIN places l ON l.n = 3 "
        "GROUP BY l.n, window(e.time, '1 minute')"
    )
    assert query.windowing
    state = WindowState(query.windowing)
    assert scan(query, places(A, B), event(), state=state).added == 1
    assert list(state.windows.values()) == [{(3,): [0, 2]}]


def test_a_null_key_joins_nothing_and_waits_for_nothing(compile_query: Compile) -> None:
    found = scan(compile_query(f"SELECT e.id {FROM}"), places(A), event(locationid=None), waiting=True)
    assert found.unmatched == [(0, "places", None)]


def test_predicates_run_as_early_as_their_columns_allow(compile_query: Compile) -> None:
    query = compile_query(
        f"SELECT e.id, p.label {FROM} CROSS JOIN LATERAL inline(predict('m', e.image, 2)) p "
        "WHERE p.score > 0.5 AND l.open AND e.lens = 'tele'"
    )
    assert scan(query, places(), event()).filtered == 1
    tele = event(extensions={"lens": "tele"})
    assert scan(query, places(A.replace("true", "false")), tele).joined_away == 1
    ((_, joined),) = scan(query, places(A), tele).results
    out: list[object] = []
    answer = [prediction(0, "cat", 0.75), prediction(1, "dog", 0.2)]
    query.bind([places(A).lookup()]).finish(tele, tele.time_us, joined, [answer], out)
    assert out == [{"id": "i1", "label": "cat"}]
    (call,) = query.plan.models
    assert (call.model, call.top_k) == ("m", 2)


@pytest.mark.parametrize(
    ("join", "names"),
    [
        ("LEFT JOIN places l ON e.locationid = l.code", ["Station A"]),
        ("LEFT JOIN places l ON e.camera = l.code", [None]),
        ("LEFT JOIN places l ON e.locationid = l.code AND l.lat > 2", [None]),
        ("LEFT JOIN places l ON l.name = concat('Station ', e.locationid)", ["Station A", "Station A"]),
        ("JOIN places l ON l.n = 3 AND upper(l.name) = 'STATION A' AND e.locationid = l.code", ["Station A"]),
        ("JOIN places l ON l.n = 3 AND split(l.name, ' ') = array('Station', e.locationid)", ["Station A"] * 2),
        ("JOIN places l ON l.n + 1 = CAST(e.subject AS BIGINT)", []),
        ("LEFT JOIN places l ON l.n = length(e.id) + 1 AND l.code = 'B'", ["Station A"]),
    ],
)
def test_joins_find_rows_by_any_equality(compile_query: Compile, join: str, names: list[str | None]) -> None:
    found = scan(compile_query(f"SELECT e.id, l.name FROM events e {join}"), places(A, B), event())
    assert [row["name"] for _, rows in found.results for row in rows] == names


@pytest.mark.parametrize(
    ("join", "kept"),
    [
        ("LEFT SEMI JOIN places l ON e.locationid = l.code", True),
        ("LEFT SEMI JOIN places l ON e.camera = l.code", False),
        ("LEFT ANTI JOIN places l ON e.locationid = l.code", False),
        ("LEFT ANTI JOIN places l ON e.camera = l.code", True),
        ("LEFT ANTI JOIN places l ON e.subject = l.code", True),
        ("LEFT SEMI JOIN places l ON e.locationid = l.code AND NOT l.open", False),
        ("LEFT ANTI JOIN places l ON e.locationid = l.code AND NOT l.open", True),
    ],
)
def test_semi_and_anti_joins(compile_query: Compile, join: str, kept: bool) -> None:
    found = scan(compile_query(f"SELECT e.id FROM events e {join}"), places(A), event())
    assert bool(found.results) is kept
    assert found.joined_away == (not kept)


def test_star_gives_all_columns_but_images(compile_query: Compile) -> None:
    (row,) = rows_of(compile_query("SELECT e.*, l.name AS place FROM events e JOIN places l ON e.locationid = l.code"))
    assert "image" not in row
    assert (row["id"], row["lens"], row["place"]) == ("i1", "wide", "Station A")


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        # Three-valued logic, as in the SQL standard's truth tables; the table's n is NULL.
        ("l.n = 1", False),
        ("NOT l.n = 1", False),
        ("l.n IS NULL", True),
        ("l.n IS NOT NULL", False),
        ("l.n = 1 OR true", True),
        ("l.n = 1 AND true", False),
        ("NOT (l.n = 1 AND false)", True),
        ("NOT (l.n = 1 OR false)", False),
        ("l.n IN (1, 2)", False),
        ("l.n NOT IN (1, 2)", False),
        ("coalesce(l.n, 5) = 5", True),
        ("l.n BETWEEN 1 AND 2", False),
        ("(l.n = 1) IS NULL", True),
        ("NULL", False),
        # And with values.
        ("l.lat BETWEEN 1 AND 2", True),
        ("l.lat NOT BETWEEN 1 AND 2", False),
        ("l.lat IN (1, 1.5)", True),
        ("l.lat <> 1.5", False),
        ("e.id IN ('i0', 'i1') AND e.lens >= 'wide'", True),
        ("e.subject IS NULL AND l.open IS TRUE", True),
        ("l.name = 'Station A' AND NOT l.name = 'it\\'s'", True),
    ],
)
def test_conditions(compile_query: Compile, condition: str, kept: bool) -> None:
    result = rows_of(compile_query(f"SELECT e.id {FROM} WHERE {condition}"), table=A.replace("3}", "null}"))
    assert result == ([{"id": "i1"}] if kept else [])


P = "CROSS JOIN LATERAL inline(predict('m', e.image)) p"
Q = "CROSS JOIN LATERAL inline(predict('n', e.image)) q"


@pytest.mark.parametrize(
    ("query", "token", "said"),
    [
        (f"SELECT e.id, l.nam {FROM}", "nam ", "unknown column 'nam'; did you mean 'name'?"),
        (f"SELECT e.id,\n  x.name {FROM}", "x.name", "unknown relation 'x'"),
        ("SELECT e.id FROM event e", "event e", "unknown source 'event'; did you mean 'events'?"),
        ("SELECT e.id FROM events e JOIN place l ON e.id = l.code", "place l", "did you mean 'places'?"),
        ("SELECT e.id FROM events e FULL JOIN places l ON e.id = l.code", "places l", "FULL JOIN is not supported"),
        ("SELECT e.id FROM events e JOIN events l ON e.id = l.id", "events l", "two streams is not supported yet"),
        ("SELECT e.id FROM events e JOIN places l ON e.id > l.code", "e.id > l", "ON needs an equality"),
        (
            "SELECT e.id FROM events e JOIN places l ON split(l.name, ' ') = array('A', e.id)",
            "split",
            "ON needs an equality",
        ),
        ("SELECT e.id FROM events e JOIN places l ON e.image = l.open", "e.image", "can't compare BINARY with BOOLEAN"),
        (f"SELECT e.id {FROM} WHERE l.lat = l.open", "l.lat", "can't compare DOUBLE with BOOLEAN"),
        (f"SELECT e.id {FROM} WHERE l.name", "l.name", "a BOOLEAN is needed here, this is STRING"),
        (f"SELECT e.id, upperr(l.name) AS u {FROM}", "upperr", "unknown function 'upperr'; did you mean 'upper'?"),
        (f"SELECT e.id, frobnicate(l.name) AS u {FROM}", "frobnicate", "unknown function 'frobnicate'"),
        (f"SELECT e.id, e.image {FROM}", "e.image", "can't be sent to a sink"),
        (f"SELECT e.id, l.lat = 1 {FROM}", "l.lat", "give this expression a name"),
        (f"SELECT e.id, l.name AS id {FROM}", "l.name", "two columns are named 'id'"),
        (f"SELECT count(*) AS id {FROM} GROUP BY e.lens", "e.lens", "needs one window of event time"),
        (f"SELECT e.id {FROM} LIMIT 3", "3", "LIMIT is not supported in a stream"),
        (f"SELECT e.id, p.lable {FROM} {P}", "lable", "did you mean 'label'?"),
        (f"SELECT e.id {FROM} {P.replace('inline', 'explode')}", "explode", "only CROSS JOIN LATERAL"),
        (f"SELECT e.id {FROM} {P.replace('e.image', 'e.lens')}", "e.lens", "must be an image"),
        (f"SELECT e.id {FROM} {P.replace('e.image', 'e.image, 0')}", "0))", "k must be a whole number"),
        (f"SELECT e.id {FROM} {P} {Q}", "inline(predict('n'", "one LATERAL"),
        ("SELECT e.id FROM", "FROM", "syntax error"),
        ("SELECT e.id FROM events e WHERE (", "(", "syntax error"),
        ("DROP TABLE x", "DROP", "a SELECT is expected"),
        ("SELECT e.id FROM events e; SELECT 1", "SELECT", "2 statements were found"),
    ],
)
def test_a_refusal_points(compile_query: Compile, query: str, token: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_query(query)
    assert said in str(caught.value)
    before = query[: query.index(token)]
    line, column = before.count("\n"), len(before) - (before.rfind("\n") + 1)
    first_line = HEAD.count("\n") + 2  # of the block below `query: |`, which is indented by two
    assert (caught.value.line, caught.value.column) == (first_line + line, 2 + column + 1), str(caught.value)


def test_a_sink_key_that_is_no_column(compile_query: Compile) -> None:
    with pytest.raises(ConfigError, match=r":6:.*sink\.key: 'id' is not a column of the query"):
        compile_query(f"SELECT name {FROM}")


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (("name: t", "name: T!"), 2, "name"),
        (("version: 1", "version: 2"), 1, "version"),
        (("topic: places, key", "tpic: places, key"), 5, "tpic"),
        (("key: code", "key: cod"), 5, "'cod' is not among the table's columns"),
        (("lat: double", "lat: dobule"), 5, "dobule"),
        (("sink: {topic: matches, key: [id]}", "sink: {topic: matches, key: []}"), 6, "length"),
        (("version: 1", "version: [1"), 2, "not YAML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path, change: tuple[str, str], line: int, said: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(HEAD.replace(*change) + f"query: SELECT e.id {FROM}\n")
    with pytest.raises(ConfigError) as caught:
        PipelineFile(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.line == line


def test_two_pipelines_of_one_name(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(HEAD + f"query: SELECT e.id {FROM}\n")
    with pytest.raises(ConfigError, match="also the name of"):
        load_all(tmp_path)


def test_the_documented_pipeline_compiles(tmp_path: Path, root: Path) -> None:
    text = (root / "docs/pipelines.md").read_text()
    path = tmp_path / "p.yaml"
    path.write_text(text.partition("```yaml\n")[2].partition("```")[0])
    file = PipelineFile(path)
    file.pipeline.tables["prices"].columns = {"section": "string", "price": "double", "since": "timestamp"}
    planned = check(file)
    assert planned
    assert list(planned.output) == ["section", "start", "clicks", "users", "price"]


def test_the_pipelines_that_come_with_it_compile(root: Path) -> None:
    for file in load_all(root / "pipelines"):
        assert compile_plan(*plan(file, event_columns(next(iter(file.pipeline.sources.values()))))).plan.models
