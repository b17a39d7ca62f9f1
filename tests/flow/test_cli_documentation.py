"""What sightline/cli/README.md sets a cluster up and tries it with, as it stands there, against the running product."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from demo import places
from demo.records import read
from tests.flow.system import System
from tests.flow.test_documentation import CLUSTER_COMMANDS, commands

pytestmark = pytest.mark.timeout(300)

TOPICS = "topics: [{name: events, partitions: 4}, {name: mine, partitions: 2, config: {retention.ms: 60000}}]\n"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[System]:
    with System(tmp_path_factory.mktemp("system"), root) as running:
        yield running


@pytest.fixture
def files(tmp_path: Path, root: Path) -> dict[str, str]:
    """What stands in the README, and what the test has in its place."""
    (tmp_path / "topics.yaml").write_text(TOPICS)
    rows = [{"location_id": each.location_id, "name": each.name, "watched": each.watched} for each in places.PLACES]
    (tmp_path / "locations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Image.fromarray(data.chelsea()).save(tmp_path / "cat.jpg", quality=90)
    archive = tmp_path / "models.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(root / "build/models", ".")
    return {
        **{name: str(tmp_path / name) for name in ("topics.yaml", "locations.jsonl", "cat.jpg")},
        "https://models.example.com/models.tar.gz": archive.as_uri(),
        "0f3c...": sha256(archive.read_bytes()).hexdigest(),
        "/models": str(tmp_path / "models"),
    }


def test_a_cluster_is_set_up_and_tried_as_the_readme_says(
    system: System, files: dict[str, str], root: Path, tmp_path: Path
) -> None:
    words = files | {"kafka:9092": system.bootstrap, "3": "1"}  # one broker, one replica
    said = {}
    for command in commands("sightline/cli/README.md"):
        if command.startswith(CLUSTER_COMMANDS):
            program, *given = command.split()
            argv = [str(Path(sys.executable).parent / program), *(words.get(each, each) for each in given)]
            environment = os.environ | {"SIGHTLINE_KAFKA_BOOTSTRAP_SERVERS": system.bootstrap, "PYTHONPATH": str(root)}
            done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            said[command] = done.stdout
    assert len(said) == 4
    topics, fetched, rows, alert = said.values()
    assert "mine: made" in topics and fetched is not None and rows is not None
    assert "Piz Gloria" in alert
    assert (tmp_path / "models/efficientnet-lite0/1/saved_model.pb").is_file()
    assert len(read(system.bootstrap, "locations")) == 2 * len(places.PLACES), "the test's own and the README's"
