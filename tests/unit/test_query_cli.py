"""`sightline query` over files: what comes out, what is refused, what is left behind."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from sightline.cli.__main__ import main

PIPELINE = """\
version: 1
name: shop
sources:
  sales:
    topic: sales
    format: json
    columns: {n: int, sku: string, price: "decimal(8,2)", day: date, at: timestamp, tags: array<string>, gone: bigint}
    event_time: at
    watermark: 1s
tables: {goods: {topic: goods, key: sku, columns: {sku: string, name: string}}}
query: |
  QUERY
sink: {topic: out, key: [KEY]}
"""

ALL = "SELECT s.n, g.name, s.price, s.day, s.time, s.tags, s.gone FROM sales s LEFT JOIN goods g ON s.sku = g.sku"
COUNTS = "SELECT s.sku, window.start AS start, count(*) AS n FROM sales s GROUP BY s.sku, window(s.time, '10 seconds')"


class Shop:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "goods.csv").write_text("sku,name\na,Apple\n")

    def query(self, text: str, sales: Sequence[object], output: str, *more: str, key: str = "n") -> int:
        (self.directory / "pipeline.yaml").write_text(PIPELINE.replace("QUERY", text).replace("KEY", key))
        lines = [each if isinstance(each, str) else json.dumps(each) for each in sales]
        (self.directory / "sales.jsonl").write_text("".join(f"{each}\n" for each in lines))
        return self.run("sales.jsonl", output, *more)

    def run(self, source: str, output: str, *more: str) -> int:
        target = output if output == "-" else str(self.directory / output)
        tables = f"goods={self.directory / 'goods.csv'}"
        pipeline, source = str(self.directory / "pipeline.yaml"), str(self.directory / source)
        return main(["query", pipeline, "--input", source, "--output", target, "--tables", tables, *more])

    def rows(self, name: str) -> list[dict[str, object]]:
        return [json.loads(each) for each in (self.directory / name).read_text().splitlines()]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def sale(n: int, second: float, **more: object) -> dict[str, object]:
    return {"n": n, "sku": "a", "at": f"2026-01-31T12:00:{second:06.3f}Z", **more}


def test_columns_have_the_query_s_types(shop: Shop) -> None:
    sales = [sale(1, 5.5, price=1.5, day="2026-01-30", tags=["x", None]), sale(2, 6, sku="b")]
    assert shop.query(ALL, sales, "rows.parquet") == 0
    table = pa.parquet.read_table(shop.directory / "rows.parquet")
    kinds = [pa.int32(), pa.string(), pa.decimal128(8, 2), pa.date32(), pa.timestamp("us", "UTC")]
    assert table.schema.types == [*kinds, pa.list_(pa.string()), pa.int64()]
    at = datetime(2026, 1, 31, 12, 0, 5, 500_000, UTC)
    first = {"n": 1, "name": "Apple", "price": Decimal("1.50"), "day": date(2026, 1, 30), "time": at}
    assert table.to_pylist()[0] == {**first, "tags": ["x", None], "gone": None}
    assert table.to_pylist()[1]["name"] is None

    # And back: the file as the input gives the same rows.
    columns = [*table.columns[:1], pa.array(["a", "b"]), *table.columns[2:]]
    names = ["n", "sku", "price", "day", "at", "tags", "gone"]
    pa.parquet.write_table(pa.table(columns, names), shop.directory / "sales.parquet")
    assert shop.run("sales.parquet", "again.parquet") == 0
    assert pa.parquet.read_table(shop.directory / "again.parquet") == table


def test_windows_are_closed_at_the_end_and_late_rows_counted(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    sales = [sale(1, 1), sale(2, 9), sale(3, 8), sale(4, 12), sale(5, 3), sale(6, 13, sku="b")]
    assert shop.query(COUNTS, sales, "rows.jsonl", key="sku") == 0
    starts = [f"2026-01-31T12:00:{each}.000000Z" for each in ("00", "10")]
    assert shop.rows("rows.jsonl") == [
        {"sku": "a", "start": starts[0], "n": 3},
        {"sku": "a", "start": starts[1], "n": 1},
        {"sku": "b", "start": starts[1], "n": 1},
    ]
    assert "6 rows read, 3 written" in (err := capsys.readouterr().err) and "1 late" in err


def test_a_bad_row_fails_or_is_set_aside(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    sales = [sale(1, 1), "", "no json", sale(2, 2), {"n": 3}]
    assert shop.query("SELECT s.n FROM sales s", sales, "rows.jsonl") == 2
    assert "sales.jsonl: row 3: bad_value" in capsys.readouterr().err
    assert not list(shop.directory.glob("rows*"))
    assert shop.query("SELECT s.n FROM sales s", sales, "rows.jsonl", "--on-error", "dead-letter") == 0
    assert shop.rows("rows.jsonl") == [{"n": 1}, {"n": 2}]
    letters = shop.rows("rows.jsonl.dead-letters.jsonl")
    assert [(each["reason"], each["value"]) for each in letters] == [("bad_value", "no json"), ("bad_time", '{"n": 3}')]


def test_standard_output_has_the_rows_alone(shop: Shop, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    sales = [sale(n, n) for n in range(9)]
    assert shop.query("SELECT s.n FROM sales s WHERE s.n > 1", sales, "-", "--limit-rows", "2") == 0
    assert capfdbinary.readouterr().out == b'{"n":2}\n{"n":3}\n'


@pytest.mark.parametrize(
    ("source", "output", "more", "text"),
    [
        ("sales.jsonl", "rows.csv", (), "neither with .parquet nor with .jsonl"),
        ("nowhere", "rows.jsonl", (), "no file or directory, nor a range of a topic"),
        ("sales.jsonl", "-", ("--on-error", "dead-letter"), "--dead-letters FILE"),
        ("sales.jsonl", "rows.jsonl", ("--tables", "good=x.csv"), "did you mean 'goods'"),
    ],
)
def test_refusals(
    shop: Shop, capsys: pytest.CaptureFixture[str], source: str, output: str, more: tuple[str, ...], text: str
) -> None:
    shop.query("SELECT s.n FROM sales s", [sale(1, 1)], "first.jsonl")
    assert shop.run(source, output, *more) == 2
    assert text in capsys.readouterr().err


def test_ctrl_c_leaves_nothing_behind(shop: Shop, root: Path) -> None:
    assert shop.query("SELECT s.n FROM sales s", [sale(1, 1)] * 400_000, "rows.jsonl", "--limit-rows", "1") == 0
    (shop.directory / "rows.jsonl").unlink()
    flags = ["--input", str(shop.directory / "sales.jsonl"), "--output", str(shop.directory / "rows.jsonl")]
    flags += ["--tables", f"goods={shop.directory / 'goods.csv'}"]
    argv = [sys.executable, "-m", "sightline.cli", "query", str(shop.directory / "pipeline.yaml"), *flags]
    # Ignored, and so inherited, where tests run in the background.
    heed = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(argv, cwd=root, stderr=subprocess.PIPE, text=True, preexec_fn=heed) as process:
        while process.poll() is None and not list(shop.directory.glob("rows*")):
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (130, "sightline query: interrupted\n")
    assert not list(shop.directory.glob("rows*"))
