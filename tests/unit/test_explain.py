"""Plans as text: what a reader must be able to tell from each."""

from pathlib import Path

import pytest

from sightline.cli.__main__ import main

CLICKS = """\
version: 1
name: clicks
sources:
  clicks:
    topic: clicks
    format: json
    columns: {ad: string, kind: string, at: bigint, junk: string}
    event_time: timestamp_millis(at)
    key: ad
    watermark: 2s
tables:
  ads: {topic: ads, key: ad, columns: {ad: string, campaign: string}}
  prices:
    {file: prices.csv, key: sku, valid_from: since, columns: {sku: string, ad: string, since: timestamp, price: double}}
query: |
  QUERY
sink: {topic: out, key: [KEY]}
"""

WINDOWS = """\
pipeline clicks

source clicks
  topic         clicks, json, from the earliest record where no offset is committed
  decoded       ad, kind, at (3 of 4 columns)
  event time    timestamp_millis(at)
  watermark     2s behind the newest event time of a partition
  idle          a partition silent for 5s holds no window back
  key           ad, by which the topic is partitioned
  filter        c.kind = 'view'   [before anything is looked up]

1. INNER JOIN ads ON c.ad = a.ad
  table         topic ads, compacted: read whole at the start, then kept current
  looked up     by its key ad
  no match      dropped
  filter        a.campaign <> 'none'   [as soon as the row is there]

windows
  of            10s, one each 5s
  group by      a.campaign
  aggregates    COUNT(*)
  having        COUNT(*) > 2
  closed        once the watermark is 0s past the end (watermark 2s, allowed lateness 0s)
  late rows     to the dead-letter topic, reason late
  emitted       once, when closed
  travel        partial aggregates through clicks-repartition, by group key: ad is not in GROUP BY,
                so a group may have rows in several partitions
  state         clicks-changelog: for each window and group the aggregates so far and the offset
                below which rows are in them; for each partition its offset and watermark

columns
  campaign  string
  views     bigint not null

sink
  topic         out, key campaign
  delivery      at-least-once: after a crash rows may come again, with the same ids
  id            hash of pipeline, window, group
"""

WINDOWED = (
    "SELECT a.campaign, count(*) AS views FROM clicks c JOIN ads a ON c.ad = a.ad "
    "WHERE c.kind = 'view' AND a.campaign <> 'none' "
    "GROUP BY a.campaign, window(c.time, '10 seconds', '5 seconds') HAVING count(*) > 2"
)

VERSIONED = "LEFT JOIN prices p ON c.ad = p.ad AND p.price > 1"


def written(directory: Path, query: str, key: str, text: str = CLICKS) -> str:
    path = directory / "pipeline.yaml"
    path.write_text(text.replace("QUERY", query).replace("KEY", key))
    return str(path)


def explained(capsys: pytest.CaptureFixture[str], path: str, *more: str) -> str:
    assert main(["explain", path, *more]) == 0
    return capsys.readouterr().out


def test_a_query_with_windows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explained(capsys, written(tmp_path, WINDOWED, "campaign")) == WINDOWS


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (f"SELECT c.ad, p.price FROM clicks c {VERSIONED}", "looked up     by an index of the columns in ON"),
        (f"SELECT c.ad, p.price FROM clicks c {VERSIONED}", "then          the rest of ON is checked on each row"),
        (f"SELECT c.ad, p.price FROM clicks c {VERSIONED}", "the version at the event's time, from since to the next"),
        (f"SELECT c.ad, p.price FROM clicks c {VERSIONED}", "no match      NULLs for the table's columns"),
        ("SELECT c.ad FROM clicks c LEFT ANTI JOIN ads a ON c.ad = a.ad", "no match      kept; a match is dropped"),
        ("SELECT c.ad FROM clicks c", "decoded       ad, at (2 of 4 columns)"),
        ("SELECT c.ad FROM clicks c", "id            hash of pipeline, topic, partition and offset, number of the row"),
        (
            "SELECT c.ad, count(*) AS n FROM clicks c GROUP BY c.ad, window(c.time, '1 minute')",
            "travel        straight to the sink: GROUP BY has ad, by which clicks is partitioned",
        ),
    ],
)
def test_the_text_says(tmp_path: Path, capsys: pytest.CaptureFixture[str], query: str, text: str) -> None:
    assert text in explained(capsys, written(tmp_path, query, "ad"))


def test_models_are_asked_after_what_can_be_decided_before(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = explained(capsys, str(root / "pipelines" / "find-bond.yaml"))
    assert "predict of efficientnet-lite0: the best 1, a row each" in text
    assert "after 1 filter and 1 join" in text
    assert text.index("l.watched ") < text.index("models\n") < text.index("p.label IN")


def test_what_is_not_declared_is_not_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inferred = CLICKS.replace("    columns: {ad: string, kind: string, at: bigint, junk: string}\n", "")
    path = written(tmp_path, "SELECT c.ad FROM clicks c", "ad", inferred)
    text = explained(capsys, path)
    assert "source clicks declares none: they are inferred from its first records" in text
    assert main(["explain", path, "--code"]) == 2


def test_the_code_is_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = explained(capsys, written(tmp_path, WINDOWED, "campaign"), "--code")
    compile(code, "<query>", "exec")
    assert "def bind(lookup0):" in code


def test_a_wrong_query_points(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", written(tmp_path, "SELECT c.add FROM clicks c", "ad")]) == 2
    assert "pipeline.yaml:16:" in capsys.readouterr().err
