"""Every store does what a plain dictionary of records would: under any puts, deletions, versions and partitions."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.errors import SightlineError
from sightline.query.pipeline import Table
from sightline.query.tables import Snapshot, TableLimits, TableRows

DAY_US = 86_400_000_000
COLUMNS = {"id": "string", "group": "bigint", "from": "timestamp", "to": "timestamp"}
PLAIN = Table(topic="t", key="id", columns=COLUMNS)
VERSIONED = Table(topic="t", key="id", valid_from="from", valid_to="to", columns=COLUMNS)
IN_MEMORY, ON_DISK, SPILLS = TableLimits(), TableLimits(memory_rows_max=0), TableLimits(memory_rows_max=3)


class Record(NamedTuple):
    """`group` None deletes. `start`, `end`: days; `partition` and `timestamp_ms` as Kafka gives them."""

    key: str
    start: int
    end: int | None
    group: int | None
    timestamp_ms: int
    partition: int

    def apply(self, table: TableRows) -> None:
        key = self.key.encode()
        if table.kind.versioned:
            key = json.dumps({"key": self.key, "valid_from": day(self.start)}).encode()
        end = None if self.end is None else day(self.end)
        row = {"id": self.key, "group": self.group, "from": day(self.start), "to": end}
        value = None if self.group is None else json.dumps(row).encode()
        assert table.apply(key, value, self.timestamp_ms, self.partition) is None


def day(number: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=number)).isoformat()


# "a" and "ab": a key that begins another; the long ones are hashed on disk, and differ only at their ends.
KEYS = ["a", "ab", "", "ö", "x" * 300, "x" * 299 + "y"]

records = st.lists(
    st.builds(
        Record,
        key=st.sampled_from(KEYS),
        start=st.integers(0, 4),
        end=st.none() | st.integers(0, 6),
        group=st.none() | st.integers(0, 2),
        timestamp_ms=st.integers(0, 5),
        partition=st.integers(0, 1),
    ),
    max_size=40,
)


class Model:
    """The newest record of each primary key, by the rule of the documentation."""

    def __init__(self, versioned: bool) -> None:
        self._versioned, self._newest = versioned, dict[Any, Record]()

    def apply(self, record: Record) -> None:
        key = (record.key, record.start if self._versioned else 0)
        before = self._newest.get(key)
        if before is None or before.partition == record.partition or record.timestamp_ms >= before.timestamp_ms:
            self._newest[key] = record

    def find(self, key: str, at: int) -> list[Record]:
        rows = [each for each in self._newest.values() if each.group is not None and each.key == key]
        if not self._versioned:
            return rows
        begun = [each for each in rows if each.start <= at]
        last = max(begun, key=lambda each: each.start, default=None)
        return [last] if last and (last.end is None or at < last.end) else []

    def find_group(self, group: int, at: int) -> list[Record]:
        return [each for key in sorted(KEYS) for each in self.find(key, at) if each.group == group]


def shown(rows: Any) -> list[tuple[str, int, int]]:
    return [(row.c0, row.c1, row.c2 // DAY_US) for row in rows]


def check(table: TableRows, model: Model, index: int) -> None:
    table.commit()
    table.refresh()
    for at in range(-1, 7):
        for key in KEYS:
            wanted = [(each.key, each.group, each.start) for each in model.find(key, at)]
            assert shown(table.lookup()(key, at * DAY_US)) == wanted
        for group in range(3):
            wanted = [(each.key, each.group, each.start) for each in model.find_group(group, at)]
            assert shown(table.lookup(index)(group, at * DAY_US)) == wanted


@contextmanager
def opened(table: Table, limits: TableLimits, folder: Path | None = None) -> Iterator[tuple[TableRows, int]]:
    snapshot = Snapshot(folder, "topic-1") if folder else None
    rows = TableRows("t", table, limits, partitions=2, snapshot=snapshot)
    try:
        yield rows, rows.add_index(lambda row: row.c1, "group")
    finally:
        rows.close()


@pytest.mark.parametrize("table", [PLAIN, VERSIONED], ids=["plain", "versioned"])
@pytest.mark.parametrize("limits", [IN_MEMORY, ON_DISK, SPILLS], ids=["memory", "disk", "spills"])
@settings(max_examples=30, deadline=None)
@given(records=records)
def test_a_store_does_what_the_model_does(limits: TableLimits, table: Table, records: list[Record]) -> None:
    model = Model(table.valid_from is not None)
    with opened(table, limits) as (rows, index):
        for number, record in enumerate(records):
            record.apply(rows)
            model.apply(record)
            if number % 8 == 0:
                check(rows, model, index)
        check(rows, model, index)


@pytest.mark.parametrize("table", [PLAIN, VERSIONED], ids=["plain", "versioned"])
@settings(max_examples=15, deadline=None)
@given(before=records, after=records, limits=st.lists(st.sampled_from([IN_MEMORY, ON_DISK, SPILLS]), min_size=2))
def test_a_snapshot_goes_on_where_it_was_saved(
    table: Table, before: list[Record], after: list[Record], limits: list[TableLimits]
) -> None:
    model = Model(table.valid_from is not None)
    with TemporaryDirectory() as folder:
        for number, records in enumerate((before, after)):
            with opened(table, limits[number], Path(folder)) as (rows, index):
                if number:
                    assert rows.position is not None
                    assert rows.position.offsets == {0: 7, 1: 8}
                for record in records:
                    record.apply(rows)
                    model.apply(record)
                check(rows, model, index)
                rows.commit({0: 7, 1: 8}, complete_ms=1)
                rows.save()


def test_what_is_not_committed_with_its_position_is_not_in_the_snapshot(tmp_path: Path) -> None:
    for limits in (ON_DISK, IN_MEMORY):
        folder = tmp_path / str(limits.memory_rows_max)
        with opened(PLAIN, limits, folder) as (rows, _):
            rows.apply(b"a", b'{"id": "a"}', 0, 0)
            rows.commit({0: 1, 1: 0})
            rows.save()
            rows.apply(b"ab", b'{"id": "ab"}', 0, 0)
        with opened(PLAIN, limits, folder) as (rows, _):
            rows.refresh()
            assert (rows.row_count, len(rows.lookup()("a", 0)), rows.position.offsets[0]) == (1, 1, 1)  # type: ignore


@pytest.mark.parametrize(
    ("topic_id", "table"),
    [("topic-2", PLAIN), ("topic-1", Table(topic="t", key="id", columns={"id": "string"})), ("topic-1", VERSIONED)],
)
def test_a_snapshot_of_something_else_is_dropped(tmp_path: Path, topic_id: str, table: Table) -> None:
    with opened(PLAIN, IN_MEMORY, tmp_path) as (rows, _):
        rows.apply(b"a", b'{"id": "a"}', 0, 0)
        rows.commit({0: 1, 1: 0})
        rows.save()
    fresh = TableRows("t", table, IN_MEMORY, partitions=2, snapshot=Snapshot(tmp_path, topic_id))
    assert (fresh.position, fresh.row_count) == (None, 0)
    fresh.close()


def test_a_broken_snapshot_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "data.mdb").write_bytes(b"junk" * 10_000)
    with opened(PLAIN, IN_MEMORY, tmp_path) as (rows, _):
        assert rows.position is None


def test_a_snapshot_belongs_to_one_process(tmp_path: Path) -> None:
    with opened(PLAIN, IN_MEMORY, tmp_path), pytest.raises(SightlineError, match="in use"):
        Snapshot(tmp_path, "topic-1")


def test_a_batch_sees_one_state_of_a_table_on_disk() -> None:
    with opened(PLAIN, ON_DISK) as (rows, _):
        find = rows.lookup()
        rows.apply(b"b", b'{"id": "b"}', 0, 0)
        rows.refresh()
        for group in range(2):
            rows.apply(b"a", b'{"id": "a", "group": %d}' % group, 0, 0)
            rows.commit()
            assert [row.c1 for row in find("a", 0)] == ([] if group == 0 else [0])
            rows.refresh()
            assert [row.c1 for row in find("a", 0)] == [group]


def test_other_columns_types_find_their_keys() -> None:
    columns = {"id": "decimal(10,2)", "day": "date", "x": "double", "b": "boolean"}
    for limits in (IN_MEMORY, ON_DISK):
        rows = TableRows("t", Table(topic="t", key="id", columns=columns), limits)
        indexes = [rows.add_index(attrgetter(name)) for name in ("c1", "c2", "c3")]
        rows.apply(None, b'{"id": 1.50, "day": "2026-01-02", "x": 2.0, "b": true}', 0, 0)
        rows.commit()
        rows.refresh()
        (row,) = rows.lookup()(1.5, 0)
        for index, value in zip(indexes, (row.c1, 2, True), strict=True):
            assert list(rows.lookup(index)(value, 0)) == [row]
        rows.close()
