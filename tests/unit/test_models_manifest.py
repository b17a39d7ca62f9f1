"""Version directories of other making: read, told apart, never overwritten unasked."""

from pathlib import Path

import msgspec
import pytest

from sightline.errors import ConfigError
from sightline.models import manifest, zoo
from sightline.models.export import export
from sightline.models.manifest import Agreement, Manifest, Preprocessing


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """As an exporter without signatures wrote it."""
    agreement = Agreement(300, 0.96, 0.98, 0.02, 0.13, {"0.5": 0.06})
    made = Manifest("efficientnet-lite0", 1, 160, Preprocessing(0.875, "", 127, 128), "", "", "", "", agreement, {})
    fields = {name: value for name, value in msgspec.to_builtins(made).items() if name != "signatures"}
    folder = tmp_path / "efficientnet-lite0" / "1"
    folder.mkdir(parents=True)
    (folder / manifest.MANIFEST_FILE).write_bytes(msgspec.json.encode(fields))
    return folder


def test_an_older_manifest_has_no_signatures(older: Path) -> None:
    made = manifest.read(older)
    assert made and made.signatures == {}


def test_an_older_export_is_another_one(older: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds something else; give another --version, or --replace"):
        export(
            zoo.entry("efficientnet-lite0"),
            tmp_path / "cache",
            tmp_path,
            version=1,
            input_size=160,
            replace=False,
            say=lambda _: None,
        )
    assert manifest.read(older)
