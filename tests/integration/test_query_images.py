"""`sightline query` over photographs in a directory: the exported network in the process, and behind gRPC."""

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from PIL import Image

from sightline.cli.__main__ import main
from sightline.models import photographs
from tests.integration.featurizer import MODEL, start, target

PIPELINE = """\
version: 1
name: album
sources: {photos: {topic: photos}}
tables: {places: {topic: places, key: code, columns: {code: string, name: string}}}
query: |
  SELECT e.id, e.time, p.name AS place, predict('efficientnet-lite0', e.image, 3) AS seen,
    featurize('efficientnet-lite0', e.image) AS vector
  FROM photos e LEFT JOIN places p ON e.locationid = p.code
sink: {topic: seen, key: [id]}
"""


@pytest.fixture
def album(tmp_path: Path) -> Path:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    (tmp_path / "places.csv").write_text("code,name\nA,Piz Gloria\n")
    album = tmp_path / "album"
    (album / "more").mkdir(parents=True)
    for each in photographs.labelled():
        out = io.BytesIO()
        Image.fromarray(each.pixels).save(out, "JPEG", quality=92)
        (album / "more" / f"{each.name}.jpg").write_bytes(out.getvalue())
    cat = {"file": "more/chelsea.jpg", "locationid": "A", "time": "2020-01-31T12:00:00Z"}
    (album / "events.jsonl").write_text(json.dumps(cat) + "\n")
    return tmp_path


def query(directory: Path, output: str, *more: str) -> int:
    flags = ["--tables", f"places={directory / 'places.csv'}", *more]
    return main(["query", str(directory / "pipeline.yaml"), "--input", str(directory / "album"),
                 "--output", str(directory / output), *flags])  # fmt: skip


def test_photographs_are_scored_in_process_as_by_the_featurizer(album: Path, root: Path) -> None:
    models = root / "build" / "models"
    assert (models / MODEL).is_dir(), "run `make models` first"
    assert query(album, "here.parquet", "--model-root", str(models)) == 0
    table = pa.parquet.read_table(album / "here.parquet")
    prediction = pa.struct([("rank", pa.int32()), ("label", pa.string()), ("score", pa.float64())])
    assert table.schema.field("time").type == pa.timestamp("us", "UTC")
    assert table.schema.field("seen").type == pa.list_(prediction)
    assert table.schema.field("vector").type == pa.list_(pa.float32())
    rows = table.to_pylist()
    assert rows[0]["id"] == "more/chelsea.jpg" and rows[0]["place"] == "Piz Gloria"
    labels = {each.name: each.labels for each in photographs.labelled()}
    assert len(rows) == len(labels)
    for row in rows:
        assert row["seen"][0]["label"] in labels[Path(row["id"]).stem]
        assert [each["rank"] for each in row["seen"]] == [0, 1, 2]
        assert len(row["vector"]) == 1280

    service = start(album, models)
    try:
        service.wait_ready()
        assert query(album, "there.parquet", "--featurizer-address", target(service)) == 0
    finally:
        service.kill()
    assert pa.parquet.read_table(album / "there.parquet").to_pylist() == rows


def test_what_is_no_image_fails_or_is_set_aside(album: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (album / "album" / "note.png").write_text("to whom it may concern")
    models = ("--model-root", str(root / "build" / "models"))
    assert query(album, "rows.jsonl", *models) == 2
    assert "note.png: not_an_image" in capsys.readouterr().err
    assert not list(album.glob("rows.jsonl*"))
    assert query(album, "rows.jsonl", "--on-error", "dead-letter", *models) == 0
    assert len((album / "rows.jsonl").read_text().splitlines()) == len(photographs.labelled())
    (letter,) = map(json.loads, (album / "rows.jsonl.dead-letters.jsonl").read_text().splitlines())
    assert letter["reason"] == "not_an_image" and letter["key"] == "note.png"


def test_a_model_that_is_not_there_is_refused_where_it_stands(album: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert query(album, "rows.jsonl", "--model-root", str(album)) == 2
    assert "pipeline.yaml:6:" in capsys.readouterr().err


def test_events_in_structured_mode_a_line_and_in_parquet(album: Path) -> None:
    selected = PIPELINE.split("predict(")[0] + "e.camera\n  FROM" + PIPELINE.split("  FROM")[1]
    pipeline = album / "pipeline.yaml"
    pipeline.write_text(selected)
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "time": "2026-01-31T12:00:00Z"}
    event |= {"camera": "c", "locationid": "A", "datacontenttype": "image/png", "data_base64": "AAAA"}
    (album / "events.jsonl").write_text(json.dumps(event) + "\n")
    columns = {"id": ["1"], "time": ["2026-01-31T12:00:00Z"], "camera": ["c"], "locationid": ["A"], "image": [b"x"]}
    pa.parquet.write_table(pa.table(columns), album / "events.parquet")
    for source in ("events.jsonl", "events.parquet"):
        output = album / "out.jsonl"
        tables = f"places={album / 'places.csv'}"
        argv = ["query", str(pipeline), "--input", str(album / source), "--output", str(output), "--tables", tables]
        assert main(argv) == 0
        row = {"id": "1", "time": "2026-01-31T12:00:00.000000Z", "place": "Piz Gloria", "camera": "c"}
        assert json.loads(output.read_text()) == row
