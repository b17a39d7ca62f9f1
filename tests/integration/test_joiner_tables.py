"""Tables of a real broker and real files: resumed, rebuilt, versioned, current, and never in the stream's way."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from confluent_kafka import Producer

from services.stream_joiner.settings import Settings
from services.stream_joiner.table_file import TableFile
from services.stream_joiner.table_topic import TableReader
from sightline.errors import ConfigError
from sightline.events import Reason
from sightline.io.kafka import Topic, admin, create_topics, describe, producer_config
from sightline.query.pipeline import Table
from tests.integration.harness import Reader, event_headers, eventually, producer, service, start
from tools.kafka import Broker

COLUMNS = {"id": "string", "n": "bigint"}
DAY_US = 86_400_000_000
COMPACT = {"cleanup.policy": "compact"}


class Tables:
    """Topics for tables, and readers of them."""

    def __init__(self, bootstrap_servers: str, folder: Path) -> None:
        self.bootstrap_servers, self.folder = bootstrap_servers, folder
        self.producer = Producer(producer_config(bootstrap_servers))
        self.refused: list[Reason] = []
        (folder / "p.yaml").write_text("")

    def create(self, topic: str, partitions: int = 1) -> None:
        create_topics(admin(self.bootstrap_servers), [Topic(topic, partitions, COMPACT)])

    def send(self, topic: str, key: str, value: object, partition: int = 0) -> None:
        raw = None if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()
        self.producer.produce(topic, raw, key.encode(), partition)

    @contextmanager
    def reader(self, table: Table, **settings: Any) -> Iterator[TableReader]:
        self.producer.flush()
        assert table.topic
        topic = describe(admin(self.bootstrap_servers), [table.topic])[table.topic]
        more: dict[str, Any] = {"bootstrap_servers": self.bootstrap_servers, "pipeline": self.folder / "p.yaml"}
        reader = TableReader("t", table, topic, Settings(**more, **settings), "p")
        try:
            reader.load(lambda message, refusal: self.refused.append(refusal.reason))
            yield reader
        finally:
            reader.stop()


@pytest.fixture
def tables(broker: Broker, tmp_path: Path) -> Tables:
    return Tables(broker.bootstrap_servers, tmp_path)


def current(reader: TableReader) -> None:
    """Returns once the rows hold what is in the topic now."""
    now = time.monotonic()
    reader.request_check(now)
    eventually(lambda: reader.complete_since >= now, what="the table to be complete")
    reader.rows.refresh()


def records_read(caplog: pytest.LogCaptureFixture) -> tuple[int, bool]:
    loaded = [each for each in caplog.records if each.message == "table loaded"][-1]
    return loaded.records_read, loaded.from_snapshot  # type: ignore[attr-defined]


@pytest.mark.parametrize("memory_rows_max", [0, 1_000], ids=["disk", "memory"])
def test_a_start_reads_on_from_the_snapshot(
    tables: Tables,
    unique: Callable[[str], str],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    memory_rows_max: int,
) -> None:
    caplog.set_level("INFO")
    topic = unique("t")
    table = Table(topic=topic, key="id", columns=COLUMNS)
    tables.create(topic, 2)
    for number in range(100):
        tables.send(topic, f"k{number}", {"id": f"k{number}", "n": number}, number % 2)
    state: dict[str, Any] = {"state_dir": tmp_path / "state", "table_memory_rows_max": memory_rows_max}
    with tables.reader(table, **state) as reader:
        assert records_read(caplog) == (100, False)
        assert reader.rows.on_disk is (memory_rows_max == 0)
    tables.send(topic, "k1", None, 1)
    tables.send(topic, "k2", {"id": "k2", "n": -2})
    with tables.reader(table, **state) as reader:
        assert records_read(caplog) == (2, True)
        find = reader.rows.lookup()
        assert [row.c1 for key in ("k0", "k1", "k2") for row in find(key, 0)] == [0, -2]
        assert reader.row_count() == 99


def test_a_topic_made_anew_is_read_from_its_start(
    tables: Tables, unique: Callable[[str], str], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level("INFO")
    topic = unique("t")
    table = Table(topic=topic, key="id", columns=COLUMNS)
    client = admin(tables.bootstrap_servers)
    for number in range(2):
        tables.create(topic)
        tables.send(topic, f"k{number}", {"id": f"k{number}", "n": number})
        with tables.reader(table, state_dir=tmp_path / "state") as reader:
            assert records_read(caplog) == (1, False)
            assert [len(reader.rows.lookup()(key, 0)) for key in ("k0", "k1")] == [1 - number, number]
        client.delete_topics([topic])[topic].result()
        eventually(lambda: topic not in client.list_topics(timeout=5).topics, what="the topic to go")


def test_a_snapshot_older_than_the_topic_remembers_deletions_is_not_used(
    tables: Tables, unique: Callable[[str], str], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level("INFO")
    topic = unique("t")
    short = COMPACT | {"delete.retention.ms": "0"}
    create_topics(admin(tables.bootstrap_servers), [Topic(topic, 1, short)])
    tables.send(topic, "k", {"id": "k", "n": 1})
    for _ in range(2):
        with tables.reader(Table(topic=topic, key="id", columns=COLUMNS), state_dir=tmp_path / "state"):
            assert records_read(caplog) == (1, False)
    assert "remembers deletions for 0 s" in caplog.text or "table snapshot dropped" in caplog.text


def test_the_time_of_an_event_picks_the_version(tables: Tables, unique: Callable[[str], str]) -> None:
    topic = unique("t")
    table = Table(topic=topic, key="id", valid_from="since", columns=COLUMNS | {"since": "timestamp"})
    tables.create(topic)
    for number in (1, 3, 2):
        since = f"1970-01-{number:02}T00:00:00Z"
        key = json.dumps({"key": "k", "valid_from": since})
        tables.send(topic, key, {"id": "k", "n": number, "since": since})
    with tables.reader(table) as reader:
        reader.follow(lambda error: None)
        find = reader.rows.lookup()
        assert [[row.c1 for row in find("k", at * DAY_US)] for at in (-1, 0, 1, 2, 9)] == [[], [1], [2], [3], [3]]
        tables.send(topic, '{"key": "k", "valid_from": "1970-01-02T00:00:00Z"}', None)
        tables.producer.flush()
        current(reader)
        assert [row.c1 for row in find("k", DAY_US)] == [1]


def test_a_bad_row_keeps_the_old_version_and_blocks_nothing(tables: Tables, unique: Callable[[str], str]) -> None:
    topic = unique("t")
    tables.create(topic)
    for value in ({"id": "a", "n": 1}, b"not json", {"id": "a", "n": "many"}, {"id": "b", "n": 2}, b"x" * 2_000):
        tables.send(topic, "a", value)
    with tables.reader(Table(topic=topic, key="id", columns=COLUMNS), table_value_bytes_max=1_000) as reader:
        find = reader.rows.lookup()
        assert [row.c1 for key in "ab" for row in find(key, 0)] == [1, 2]
        assert tables.refused == [Reason.BAD_TABLE_ROW] * 3


def test_a_table_written_in_transactions_is_read_to_its_end(tables: Tables, unique: Callable[[str], str]) -> None:
    topic = unique("t")
    tables.create(topic)
    sender = Producer(producer_config(tables.bootstrap_servers) | {"message.timeout.ms": 30_000,
                                                                    "transactional.id": topic})  # fmt: skip
    sender.init_transactions()
    sender.begin_transaction()
    sender.produce(topic, b'{"id": "a", "n": 1}', b"a")
    sender.commit_transaction()
    with tables.reader(Table(topic=topic, key="id", columns=None)) as reader:
        reader.follow(lambda error: None)
        current(reader)
        assert [row.c1 for row in reader.rows.lookup()("a", 0)] == [1]


def test_updates_never_stall_the_look_ups(tables: Tables, unique: Callable[[str], str]) -> None:
    """100,000 updates arrive while another thread looks up; the limit is far above what is measured, and a stall
    for one batch would be above it."""
    topic = unique("t")
    tables.create(topic)
    table = Table(topic=topic, key="id", columns=COLUMNS)
    for number in range(1_000):
        tables.send(topic, f"k{number}", {"id": f"k{number}", "n": 0})
    for memory_rows_max in (0, 200_000):
        with tables.reader(table, table_memory_rows_max=memory_rows_max) as reader:
            for number in range(50_000):
                tables.send(topic, f"k{number % 1_000}", {"id": f"k{number % 1_000}", "n": number})
            tables.producer.flush()
            reader.follow(lambda error: None)
            now, took, find = time.monotonic(), list[float](), reader.rows.lookup()
            reader.request_check(now)
            while reader.complete_since < now:
                started = time.perf_counter()
                reader.rows.refresh()
                assert find("k7", 0)
                took.append(time.perf_counter() - started)
            assert sorted(took)[int(len(took) * 0.99)] < 0.01


def write(path: Path, rows: dict[str, list[Any]]) -> None:
    """Beside the file, then renamed, as the documentation asks for."""
    fresh = path.with_suffix(".new")
    if path.suffix == ".jsonl":
        names = list(rows)
        lines = [json.dumps(dict(zip(names, each, strict=True))) for each in zip(*rows.values(), strict=True)]
        fresh.write_text("\n".join(lines) + "\n")
    elif path.suffix == ".csv":
        pa.csv.write_csv(pa.table(rows), fresh)
    else:
        pa.parquet.write_table(pa.table(rows), fresh)
    fresh.rename(path)


@contextmanager
def table_file(table: Table, folder: Path, **more: Any) -> Iterator[tuple[TableFile, list[str]]]:
    (folder / "p.yaml").write_text("")
    outcomes: list[str] = []
    file = TableFile("t", table, Settings(pipeline=folder / "p.yaml", table_reload_s=0.05, **more), outcomes.append)
    try:
        file.load()
        file.follow(lambda error: outcomes.append(str(error)))
        yield file, outcomes
    finally:
        file.stop()


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "inferred"])
@pytest.mark.parametrize("memory_rows_max", [0, 1_000], ids=["disk", "memory"])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_file_is_read_again_when_it_changes(
    tmp_path: Path, suffix: str, memory_rows_max: int, declared: bool
) -> None:
    path = tmp_path / f"t{suffix}"
    write(path, {"id": ["a", "b", "a"], "n": [1, 2, 3]})
    table = Table(file=str(path), key="id", columns=COLUMNS if declared else None)
    with table_file(table, tmp_path, table_memory_rows_max=memory_rows_max) as (file, outcomes):
        find, by_number = file.rows.lookup(), file.rows.lookup(file.rows.add_index(lambda row: row.c1))
        file.rows.refresh()
        assert [row.c1 for key in "abc" for row in find(key, 0)] == [3, 2]
        assert file.conflict_count() == 1
        write(path, {"id": ["c", "b"], "n": [9, 9]})
        eventually(lambda: outcomes == ["loaded"], what="the file to be loaded again")
        assert [row.c1 for key in "abc" for row in find(key, 0)] == [3, 2], "a batch of events sees one state"
        file.rows.refresh()
        assert [row.c1 for key in "abc" for row in find(key, 0)] == [9, 9]
        assert [row.c0 for row in by_number(9, 0)] == ["b", "c"]
        path.write_bytes(b"id\n\xff" if suffix == ".csv" else b"junk")
        eventually(lambda: outcomes == ["loaded", "refused"], what="the file to be refused")
        file.rows.refresh()
        assert [row.c1 for key in "abc" for row in find(key, 0)] == [9, 9]


@pytest.mark.parametrize(
    ("suffix", "rows", "said"),
    [
        (".csv", {"id": ["a", "b"], "n": ["1", "x"]}, "row 2, column 'n': 'x' is not bigint"),
        (".parquet", {"id": ["a", "b"], "n": [1.0, 2.5]}, "row 2, column 'n': 2.5 is not bigint"),
        (".parquet", {"id": ["a", None], "n": [1, 2]}, "row 2, column 'id': null is not allowed"),
        (".jsonl", {"id": ["a", "b"], "n": [1, "x"]}, "t.jsonl:2: row 2: Expected `int | null`, got `str`"),
        (".csv", {"n": [1]}, "has no column 'id'"),
    ],
)
def test_a_wrong_file_is_named_with_row_and_column(
    tmp_path: Path, suffix: str, rows: dict[str, list[Any]], said: str
) -> None:
    path = tmp_path / f"t{suffix}"
    write(path, rows)
    with (
        pytest.raises(ConfigError) as caught,
        table_file(Table(file=str(path), key="id", columns=COLUMNS), tmp_path),
    ):
        pass
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_has_all_kinds_of_values(tmp_path: Path) -> None:
    columns = {"id": "int", "at": "timestamp", "day": "date", "price": "decimal(10,2)", "ok": "boolean", "x": "double"}
    text = {"id": ["7"], "at": ["1970-01-01T00:00:01.5Z"], "day": ["2026-01-31"], "price": ["1.5"], "ok": ["true"],
            "x": ["2.5"]}  # fmt: skip
    shown = []
    for suffix in (".csv", ".jsonl", ".parquet"):
        path = tmp_path / f"t{suffix}"
        write(path, text if suffix != ".jsonl" else text | {"id": [7], "ok": [True], "x": [2.5]})
        with table_file(Table(file=str(path), key="id", columns=columns), tmp_path) as (file, _):
            shown.append(repr(file.rows.lookup()(7, 0)))
    assert len(set(shown)) == 1
    assert "c1=1500000, c2=datetime.date(2026, 1, 31), c3=Decimal('1.50'), c4=True, c5=2.5" in shown[0]


PIPELINE = """\
version: 1
name: {events}
sources: {{events: {{topic: {events}}}}}
tables:
  places: {{topic: {places}, key: code, columns: {{code: string, name: string}}}}
  cities: {{file: cities.csv, key: name, columns: {{name: string, land: string}}}}
query: |
  SELECT e.id, c.land FROM events e JOIN places p ON e.locationid = p.code JOIN cities c ON p.name = c.name
sink: {{topic: {matches}, key: [id]}}
"""


def test_a_joiner_killed_and_started_again_goes_on_from_its_snapshot(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    names = {each: unique(each) for each in ("events", "places", "matches", "letters")}
    create_topics(admin(broker.bootstrap_servers), [Topic(each) for each in names.values()])
    (tmp_path / "p.yaml").write_text(PIPELINE.format(**names))
    (tmp_path / "cities.csv").write_text("name,land\nBern,CH\nBonn,DE\n")
    sender = producer(broker.bootstrap_servers)
    for number in range(50):
        sender.send(names["places"], b'{"code": "%d", "name": "Bern"}' % number, b"%d" % number)
    sender.flush()
    flags = ["--pipeline", str(tmp_path / "p.yaml"), "--bootstrap-servers", broker.bootstrap_servers]
    flags += ["--dead-letter-topic", names["letters"], "--state-dir", str(tmp_path / "state")]
    first = start("stream_joiner", tmp_path, *flags, "--table-memory-rows-max", "10").wait_ready()
    sender.send(names["places"], b'{"code": "7", "name": "Bonn"}', b"7").get(60)
    first.kill()
    with service("stream_joiner", tmp_path, *flags) as second:
        loaded = next(each for each in second.logs() if each["message"] == "table loaded" and each["table"] == "places")
        assert loaded["from_snapshot"] is True
        assert loaded["records_read"] <= 1
        matches = Reader(broker.bootstrap_servers, names["matches"])
        sender.send(names["events"], b"image", b"c", headers=event_headers("e1", locationid="7")).get(60)
        assert json.loads(matches.until(1)[0].value) == {"id": "e1", "land": "DE"}
        assert second.metric("sightline_table_rows", table="places") == 50
        write(tmp_path / "cities.csv", {"name": ["Bonn"], "land": ["D"]})
        eventually(lambda: second.metric("sightline_table_reloads_total", outcome="loaded") == 1, what="the reload")
        sender.send(names["events"], b"image", b"c", headers=event_headers("e2", locationid="7")).get(60)
        assert json.loads(matches.until(2)[1].value) == {"id": "e2", "land": "D"}
        matches.close()
    sender.close()
