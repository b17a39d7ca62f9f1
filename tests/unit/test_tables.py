"""A table's rows: the newest version of each key, typed, bounded; a bad row changes nothing."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from sightline.errors import ConfigError
from sightline.events import Reason
from sightline.query.pipeline import PipelineFile, Table
from sightline.query.runtime.rows import struct_class
from sightline.query.tables import TableLimits, TableRows
from sightline.query.types import Struct, parse_type

COLUMNS = {"id": "string", "lat": "double", "since": "timestamp"}


def table(rows_max: int = 10, partitions: int = 1) -> TableRows:
    return TableRows("t", Table(topic="t", key="id", columns=COLUMNS), TableLimits(rows_max), partitions=partitions)


def names(rows: TableRows) -> dict[object, object]:
    find = rows.lookup()
    return {key: row.c1 for key in "abc" for row in find(key, 0)}


def test_insert_update_delete() -> None:
    rows = table()
    for value in (b'{"id": "a", "lat": 1}', b'{"id": "b", "lat": 2.5, "more": []}', b'{"id": "a", "lat": 3}'):
        assert rows.apply(value[8:9], value, 5, 0) is None
    assert names(rows) == {"a": 3.0, "b": 2.5}
    assert rows.apply(b"a", None, 6, 0) is None
    assert names(rows) == {"b": 2.5}


def test_times_become_microseconds() -> None:
    rows = table()
    rows.apply(b"a", b'{"id": "a", "since": "1970-01-01T00:00:01.5Z"}', 0, 0)
    assert rows.lookup()("a", 0)[0].c2 == 1_500_000


@pytest.mark.parametrize(
    "bad",
    [
        b"not json",
        b"[]",
        b"{}",
        b'{"id": null}',
        b'{"id": "a", "lat": "north"}',
        b'{"id": "a", "since": "yesterday"}',
        b"\xff",
    ],
)
def test_a_bad_row_keeps_the_old_version(bad: bytes) -> None:
    rows = table()
    rows.apply(b"a", b'{"id": "a", "lat": 1}', 0, 0)
    refusal = rows.apply(b"a", bad, 1, 0)
    assert refusal
    assert refusal.reason is Reason.BAD_TABLE_ROW
    assert "'t'" in refusal.detail
    assert names(rows) == {"a": 1.0}


def test_a_full_table_refuses_new_keys_and_takes_updates() -> None:
    rows = table(rows_max=1)
    rows.apply(b"a", b'{"id": "a", "lat": 1}', 0, 0)
    assert rows.apply(b"b", b'{"id": "b", "lat": 1}', 0, 0)
    assert rows.apply(b"a", b'{"id": "a", "lat": 2}', 0, 0) is None
    assert names(rows) == {"a": 2.0}


def test_of_equal_keys_in_two_partitions_the_newest_timestamp_wins() -> None:
    rows = table(partitions=2)
    rows.apply(b"a", b'{"id": "a", "lat": 1}', 100, 0)
    rows.apply(b"a", b'{"id": "a", "lat": 2}', 99, 1)
    assert (names(rows), rows.conflicts) == ({"a": 1.0}, 1)
    rows.apply(b"a", b'{"id": "a", "lat": 3}', 101, 1)
    assert names(rows) == {"a": 3.0}


def test_inside_a_partition_the_later_record_wins_whatever_its_timestamp() -> None:
    rows = table()
    rows.apply(b"a", b'{"id": "a", "lat": 1}', 100, 0)
    rows.apply(b"a", b'{"id": "a", "lat": 2}', 50, 0)
    assert names(rows) == {"a": 2.0}


@pytest.mark.parametrize("limits", [TableLimits(), TableLimits(memory_rows_max=0)], ids=["memory", "disk"])
def test_columns_of_arrays_and_structs(limits: TableLimits) -> None:
    place = "struct<at: timestamp, tags: array<string>, size: decimal(5,1)>"
    columns = {"id": "string", "place": place, "times": "array<timestamp>", "places": f"array<{place}>"}
    rows = TableRows("t", Table(topic="t", key="id", columns=columns), limits)
    text = b'{"at": "1970-01-01T00:00:01Z", "tags": ["x", null], "size": 1.25}'
    value = b'{"id": "a", "place": %b, "times": ["1970-01-01T00:00:02", null], "places": [null, %b]}' % (text, text)
    assert rows.apply(b"a", value, 0, 0) is None
    rows.commit()
    rows.refresh()
    ((_, *found),) = map(msgspec.structs.astuple, rows.lookup()("a", 0))
    kind = parse_type(place)
    assert isinstance(kind, Struct)
    made = struct_class(kind)(1_000_000, ["x", None], Decimal("1.3"))
    assert found == [made, [2_000_000, None], [None, made]]


HEAD = """\
version: 1
name: p
sources: {s: {topic: s}}
query: SELECT 1 AS x FROM s
sink: {topic: m, key: [x]}
tables: {t: %s}
"""


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("{key: a}", "tables.t: either `topic` or `file` is needed, not both"),
        ("{key: a, topic: t, file: t.csv}", "tables.t: either `topic` or `file` is needed, not both"),
        ("{key: a, file: t.xlsx}", "tables.t.file: 't.xlsx' does not end with .csv, .jsonl, .parquet"),
        ("{key: a, topic: t, valid_to: b}", "tables.t.valid_to: `valid_to` needs `valid_from`"),
        (
            "{key: a, topic: t, valid_from: b, columns: {a: int, b: string}}",
            "tables.t.valid_from: 'b' must be a timestamp, not string",
        ),
        ("{key: a, topic: t, valid_from: b, columns: {a: int}}", "'b' is not among the table's columns"),
        ("{key: a, topic: t, columns: {a: 'decimal(40,2)'}}", "decimal(40,2): 1 to 38 digits"),
        ("{key: a, topic: t, columns: {a: 'array<int>'}}", "'a' is array<int>, and a key is one value"),
    ],
)
def test_a_wrong_table_is_refused_at_its_key(tmp_path: Path, table: str, said: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(HEAD % table)
    with pytest.raises(ConfigError) as caught:
        PipelineFile(path)
    assert ":6:" in str(caught.value)
    assert said in str(caught.value)


def test_a_relative_file_is_beside_the_pipeline(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(HEAD % "{key: a, file: data/t.csv}")
    assert PipelineFile(path).pipeline.tables["t"].file == str(tmp_path / "data/t.csv")
