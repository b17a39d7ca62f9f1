"""Queries: what they give, what they refuse, and where the refusal points."""

from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import pytest

from sightline.errors import ConfigError
from sightline.events import Event, parse_time_us
from sightline.query.compiler import Filtered, NoMatch, Prediction, Query, compile_plan
from sightline.query.pipeline import PipelineFile, Table, load_all
from sightline.query.plan import plan
from sightline.query.tables import TableRows

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
        return compile_plan(plan(PipelineFile(path)))

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


def places(*rows: str) -> dict[str, dict[object, object]]:
    columns = {"code": "string", "name": "string", "lat": "double", "open": "boolean", "n": "bigint"}
    table = TableRows("places", Table(topic="places", key="code", columns=columns))
    for row in rows:
        assert table.apply(None, row.encode(), 0, 0) is None
    return {"places": table.by_key()}


A = '{"code": "A", "name": "Station A", "lat": 1.5, "open": true, "n": 3}'


def rows_of(query: Query, predictions: list[Prediction] | None = None, table: str = A) -> object:
    prepared = query.prepare(event(), places(table))
    if isinstance(prepared, NoMatch | Filtered):
        return prepared
    return query.finish(event(), prepared, predictions or [])


def test_join_project_and_format(compile_query: Compile) -> None:
    query = compile_query(f"SELECT e.id, e.time AS at, l.name, lens, l.lat {FROM} WHERE l.open")
    row = {"id": "i1", "at": "2026-01-31T12:00:00.250000Z", "name": "Station A", "lens": "wide", "lat": 1.5}
    assert rows_of(query) == [row]


def test_an_unknown_key_names_its_table(compile_query: Compile) -> None:
    assert compile_query(f"SELECT e.id {FROM}").prepare(event(locationid="Z"), places(A)) == NoMatch("places", "Z")


def test_a_null_key_joins_nothing(compile_query: Compile) -> None:
    assert compile_query(f"SELECT e.id {FROM}").prepare(event(locationid=None), places(A)) == NoMatch("places", None)


def test_predicates_run_as_early_as_their_columns_allow(compile_query: Compile) -> None:
    query = compile_query(
        f"SELECT e.id, p.label {FROM} CROSS JOIN LATERAL inline(predict('m', e.image, 2)) p "
        "WHERE p.score > 0.5 AND l.open AND e.lens = 'tele'"
    )
    assert query.prepare(event(), {}) == Filtered(joined=False)
    tele = event(extensions={"lens": "tele"})
    assert query.prepare(tele, places(A.replace("true", "false"))) == Filtered(joined=True)
    prepared = query.prepare(tele, places(A))
    assert isinstance(prepared, tuple)
    assert query.finish(tele, prepared, [(0, "cat", 0.75), (1, "dog", 0.2)]) == [{"id": "i1", "label": "cat"}]
    assert query.model
    assert (query.model.model, query.model.top_k) == ("m", 2)


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
    assert result == [{"id": "i1"}] if kept else isinstance(result, Filtered)


P = "CROSS JOIN LATERAL inline(predict('m', e.image)) p"


@pytest.mark.parametrize(
    ("query", "token", "said"),
    [
        (f"SELECT e.id, l.nam {FROM}", "nam ", "unknown column 'nam'; did you mean 'name'?"),
        (f"SELECT e.id,\n  x.name {FROM}", "x.name", "unknown relation 'x'"),
        ("SELECT e.id FROM event e", "event e", "unknown source 'event'; did you mean 'events'?"),
        ("SELECT e.id FROM events e JOIN place l ON e.id = l.code", "place l", "did you mean 'places'?"),
        ("SELECT e.id FROM events e LEFT JOIN places l ON e.id = l.code", "places l", "LEFT JOIN is not supported yet"),
        ("SELECT e.id FROM events e JOIN places l ON e.id = l.name", "e.id = l", "the table's key"),
        ("SELECT e.id FROM events e JOIN places l ON e.id > l.code", "e.id > l", "the table's key"),
        ("SELECT e.id FROM events e JOIN places l ON e.image = l.open", "e.image", "can't compare BINARY with BOOLEAN"),
        (f"SELECT e.id {FROM} WHERE l.lat = l.open", "l.lat", "can't compare DOUBLE with BOOLEAN"),
        (f"SELECT e.id {FROM} WHERE l.name", "l.name", "a BOOLEAN is needed here, this is STRING"),
        (f"SELECT e.id, upperr(l.name) AS u {FROM}", "upperr", "unknown function 'upperr'; did you mean 'upper'?"),
        (f"SELECT e.id, frobnicate(l.name) AS u {FROM}", "frobnicate", "unknown function 'frobnicate'"),
        (f"SELECT e.id, e.image {FROM}", "e.image", "an image can't be sent to a sink"),
        (f"SELECT e.id, l.lat = 1 {FROM}", "l.lat", "give this expression a name"),
        (f"SELECT e.id, l.name AS id {FROM}", "l.name", "two columns are named 'id'"),
        (f"SELECT e.id, count(*) AS n {FROM} GROUP BY e.lens", "e.lens", "GROUP is not supported yet"),
        (f"SELECT e.id {FROM} LIMIT 3", "3", "LIMIT is not supported yet"),
        (f"SELECT e.id, p.lable {FROM} {P}", "lable", "did you mean 'label'?"),
        (f"SELECT e.id {FROM} {P.replace('inline', 'explode')}", "explode", "only CROSS JOIN LATERAL"),
        (f"SELECT e.id {FROM} {P.replace('e.image', 'e.lens')}", "e.lens", "must be an image"),
        (f"SELECT e.id {FROM} {P.replace('e.image', 'e.image, 0')}", "0))", "k must be a whole number"),
        (f"SELECT e.id {FROM} {P} {P.replace('inline', 'INLINE')}", "INLINE", "one model call"),
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
        (
            ("sink: {topic: matches, key: [id]}", "delivery: exactly-once\nsink: {topic: m, key: [id]}"),
            6,
            "not supported yet",
        ),
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


def test_the_pipelines_that_come_with_it_compile(root: Path) -> None:
    for file in load_all(root / "pipelines"):
        assert compile_plan(plan(file)).model
