"""The images under test: built from this checkout by tools/images, and put into the cluster.

SIGHTLINE_LOAD_IMAGE   a command that takes archives (docker-archive) and puts them into every node, such as
                       `kind load image-archive`
SIGHTLINE_IMAGE_TAG    instead: the cluster has, or can pull, the images with this tag already, and with the tags
                       and names of `ready` too
"""

import io
import json
import os
import shlex
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.e2e.cluster.photographs import MODELS
from tools.images.builds import build, save
from tools.images.engines import Engine, ImagesError, find_engine
from tools.images.targets import BASE, ROOT, TARGETS

TAG = "tests"
"""As in tests/e2e/containers, so that each is built once."""
SERVICES = ("stream-joiner", "featurizer-cpu", "alerting", "models")
NAME = "efficientnet-lite0"
_LOAD_TIMEOUT_S = 900


def another_tag(tag: str) -> str:
    """Of the same services: what an upgrade goes to."""
    return f"{tag}-next"


def models_with_version_2(tag: str) -> str:
    """Tag of models with a further version, which answers as the first one does."""
    return f"{tag}-v2"


def ready() -> str:
    """The tag. Skips the test, saying why, where images can't be built or loaded."""
    if there := os.environ.get("SIGHTLINE_IMAGE_TAG"):
        return there
    if not (load := os.environ.get("SIGHTLINE_LOAD_IMAGE")):
        pytest.skip("neither SIGHTLINE_LOAD_IMAGE nor SIGHTLINE_IMAGE_TAG is set")
    try:
        engine = find_engine()
        engine.fetch(BASE)
    except ImagesError as error:
        pytest.skip(str(error))
    folder = ROOT / "build" / "e2e-images"
    shutil.rmtree(folder, ignore_errors=True)
    for target in (*SERVICES, "kafka"):
        build([target], TAG, engine)
        save(target, TAG, folder / f"{target}.tar", engine)
        if target != "kafka":
            _tag_too(folder / f"{target}.tar", f"sightline/{target}:{another_tag(TAG)}")
        _load(load, folder / f"{target}.tar")
    _load(load, _with_version_2(engine, folder))
    return TAG


def _load(command: str, archive: Path) -> None:
    subprocess.run(
        [*shlex.split(command), str(archive)], check=True, timeout=_LOAD_TIMEOUT_S, stdout=subprocess.DEVNULL
    )
    archive.unlink()


def _tag_too(archive: Path, name: str) -> None:
    """A further name for its image. Of two members of one name a tar's last one counts."""
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json") or io.BytesIO())
    manifest[0]["RepoTags"] = [*manifest[0]["RepoTags"], name]
    text = json.dumps(manifest).encode()
    info = tarfile.TarInfo("manifest.json")
    info.size = len(text)
    with tarfile.open(archive, "a") as tar:
        tar.addfile(info, io.BytesIO(text))


def _with_version_2(engine: Engine, folder: Path) -> Path:
    """The models' image with a copy of the newest version as version 2."""
    shutil.copytree(MODELS, folder / "models")
    shutil.copytree(folder / "models" / NAME / "1", folder / "models" / NAME / "2")
    about = folder / "models" / NAME / "2" / "model.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"version": 2}))
    target = TARGETS["models"]._replace(contexts={"exported-models": folder / "models"})
    image = f"sightline/models:{models_with_version_2(TAG)}"
    engine.build(target, image, {})
    engine.save(image, folder / "models-v2.tar")
    return folder / "models-v2.tar"
