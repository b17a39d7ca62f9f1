"""Each image does its work with nothing writable but /tmp, and carries nothing that it doesn't need for it."""

import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.containers.conftest import TAG
from tests.e2e.containers.container import Mount
from tools.images import Engine
from tools.images.weight import compressed_bytes

SERVICES = {"stream-joiner": "stream_joiner", "featurizer-cpu": "featurizer", "alerting": "alerting"}
pytestmark = pytest.mark.timeout(1800)  # the first one builds


def python(run, target: str, code: str, *mounts: Mount) -> str:
    done: subprocess.CompletedProcess[str] = run(target, "-c", code, entrypoint="python", mounts=mounts)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("target", "service"), SERVICES.items())
def test_its_entrypoint_is_the_service(run, target, service):
    done = run(target, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: python -m services.{service} ")


@pytest.mark.parametrize("target", SERVICES)
def test_the_command_line_is_there(run, target):
    done = run(target, "--help", entrypoint="sightline")
    assert done.returncode == 0, done.stderr
    assert "models" in done.stdout


@pytest.mark.parametrize("target", SERVICES)
def test_no_build_tools_tests_or_caches(run, target):
    code = """
import importlib.util, os, shutil, sys
from pathlib import Path
site = next(Path(each) for each in sys.path if each.endswith("site-packages"))
tools = [name for name in ("pip", "pip3", "gcc", "cc", "make", "strip", "git") if shutil.which(name)]
modules = [name for name in ("pip", "pytest", "grpc_tools", "pyspark") if importlib.util.find_spec(name)]
headers = [str(path) for path in site.rglob("*.h")]
archives = [str(path) for each in ("/var/cache/apt", "/var/lib/apt/lists") for path in Path(each).rglob("*")]
sources = (path for each in ("sightline", "services") for path in (site / each).rglob("*.py"))
uncompiled = [str(path) for path in sources if not Path(importlib.util.cache_from_source(str(path))).exists()]
print(os.getuid(), os.getgid())
print(tools, modules, headers, archives, uncompiled)
"""
    assert python(run, target, code) == "10001 10001\n[] [] [] [] []\n"


@pytest.mark.parametrize("target", ["stream-joiner", "alerting"])
def test_joiner_and_alerting_are_small_and_without_tensorflow(run, engine: Engine, target):
    code = (
        "from importlib.util import find_spec as find; print(find('tensorflow'), find('ai_edge_litert'), find('keras'))"
    )
    assert python(run, target, code) == "None None None\n"
    assert compressed_bytes(target, TAG, engine) < 200e6


def test_the_joiner_has_its_compiled_parts_and_reads_every_kind_of_table(run, tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "rows.csv").write_text("key,since\na,2026-01-02 03:04:05\n")
    (tmp_path / "rows.jsonl").write_text('{"key":"a","since":"2026-01-02T03:04:05Z"}\n')
    code = """
import sightline.io._batches, sightline.formats._columns, sightline.query.runtime._vectors
import services.stream_joiner.app, lmdb, zoneinfo
import pyarrow as pa, pyarrow.parquet
from pathlib import Path
from sightline.io.table_files import read_rows
from sightline.query.tables import RowType
from sightline.query.pipeline import Table
from sightline.io.table_files import file_columns
pa.parquet.write_table(pa.table({"key": ["a"], "since": ["2026-01-02"]}), "/tmp/rows.parquet", compression="zstd")
for file in (Path("/rows/rows.csv"), Path("/rows/rows.jsonl"), Path("/tmp/rows.parquet")):
    table = Table(file=str(file), key="key")
    print(sorted(file_columns(file, table)))
print(zoneinfo.ZoneInfo("Europe/Berlin"))
"""
    columns = "['key', 'since']\n"
    assert python(run, "stream-joiner", code, Mount(tmp_path, "/rows")) == columns * 3 + "Europe/Berlin\n"


def test_alerting_has_its_pages_and_makes_pictures(run):
    code = """
import io, services.alerting.app
from importlib.resources import files
from PIL import Image
Image.new("RGB", (64, 64)).save(picture := io.BytesIO(), "JPEG")
print(sorted(each.name for each in files("services.alerting").joinpath("web").iterdir() if each.name.endswith(".html")))
"""
    assert "html" in python(run, "alerting", code)


def test_models_are_whole_and_say_their_licence(run, models: Path):
    checked = run("models", "sh", "-c", "cd /models && sha256sum -c SHA256SUMS")
    assert checked.returncode == 0, checked.stderr
    listed = {line.split("  ", 1)[1] for line in (models / "SHA256SUMS").read_text().splitlines()}
    there = {f"./{path.relative_to(models)}" for path in models.rglob("*") if path.is_file()}
    assert listed == there - {"./SHA256SUMS"}
    assert "Apache License" in (models / "LICENSE").read_text()
    assert "busybox" in (models / "NOTICE").read_text()


@pytest.mark.parametrize("chosen", ["litert", "tensorflow"])
def test_the_featurizer_loads_the_copied_models_and_becomes_ready(featurizer, chosen):
    with featurizer({"ENGINE": chosen}) as (process, port):
        process.wait_until(lambda: _ready(port), timeout_s=300)
        assert process.stop(timeout_s=60) == 0, process.log_tail()


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
