"""Published weights to a version directory: SavedModel, int8 LiteRT model, labels, manifest.

`<root>/<model>/<version>/` appears at once and whole: it is made beside its place and renamed, so an interrupted export
leaves nothing that could be loaded.
"""

import fcntl
import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from sightline.errors import ConfigError
from sightline.models import efficientnet_lite, labels, manifest, photographs, pull, quantise, saved_model
from sightline.models.agreement import agreement
from sightline.models.decode import CROP, BadImage, Pixels, decode
from sightline.models.engines import Engine
from sightline.models.manifest import Agreement, Manifest, Preprocessing
from sightline.models.progress import Progress
from sightline.models.zoo import INPUT_SIZES, Entry

CALIBRATION_PHOTOGRAPHS = 140
CALIBRATION_SEED = 1
COMPARISON_PHOTOGRAPHS = 300
COMPARISON_SEED = 2

_RECIPE = (
    *("efficientnet_lite", "signatures", "quantise", "saved_model"),
    *("photographs", "labels", "decode", "export", "manifest"),
)


def export(
    entry: Entry, cache: Path, root: Path, *, version: int, input_size: int, replace: bool, say: Progress
) -> Path:
    """The version directory, made anew unless it is already there with the same recipe. Pulls the weights if needed.

    Raises ConfigError where another recipe made it and `replace` is not set, or the input size isn't one of the zoo's.
    """
    if input_size not in INPUT_SIZES:
        raise ConfigError(f"is {input_size}; choose one of {', '.join(map(str, INPUT_SIZES))}", key="--input-size")
    folder, recipe = root / entry.name / str(version), _recipe(entry, input_size)
    with _alone(folder.parent):
        if folder.exists():
            old = manifest.read(folder)
            if old and old.recipe == recipe:
                say(f"{entry.name}: version {version} is in {folder}")
                return folder
            if not replace:
                raise ConfigError("holds something else; give another --version, or --replace", file=folder)
        package = pull.pull(entry, cache, say)
        started = time.monotonic()
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".export-") as temporary:
            made = Path(temporary, "made")
            made.mkdir(mode=0o755)
            _fill(made, entry, package, version, input_size, recipe, say)
            if folder.exists():
                folder.rename(Path(temporary, "old"))
            made.rename(folder)
    say(f"{entry.name}: exported in {time.monotonic() - started:.0f} s -> {folder}")
    return folder


def _fill(made: Path, entry: Entry, package: Path, version: int, input_size: int, recipe: str, say: Progress) -> None:
    from sightline.models.engines.litert import LiteRTEngine
    from sightline.models.engines.tensorflow import TensorFlowEngine

    say(f"{entry.name}: building the network at {input_size} x {input_size} ...")
    network = efficientnet_lite.build(pull.read_weights(entry, package))
    saved_model.save(network, input_size, made)
    names = labels.imagenet()
    (made / labels.LABELS_FILE).write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    say(f"{entry.name}: quantising to int8, calibrated on {CALIBRATION_PHOTOGRAPHS} frames ...")
    calibration = _pixels(photographs.unlabelled(), CALIBRATION_PHOTOGRAPHS, CALIBRATION_SEED, input_size)
    (made / "model.tflite").write_bytes(quantise.to_litert(network, input_size, list(calibration)))
    say(f"{entry.name}: comparing int8 with float32 on {COMPARISON_PHOTOGRAPHS} frames ...")
    reference, quantised = TensorFlowEngine(made), LiteRTEngine(made)
    compared = _compare(reference, quantised)
    say(f"{entry.name}: same best class on {compared.top1:.1%}, cosine {compared.cosine_mean:.3f}")
    files = sorted(path for path in made.rglob("*") if path.is_file())
    manifest.write(
        made,
        Manifest(
            name=entry.name,
            version=version,
            input_size=input_size,
            preprocessing=Preprocessing(CROP, "bilinear", efficientnet_lite.MEAN, efficientnet_lite.SCALE),
            source=entry.package,
            source_sha256=entry.package_sha256,
            licence=entry.licence,
            recipe=recipe,
            agreement=compared,
            files={path.relative_to(made).as_posix(): pull.sha256(path) for path in files},
            signatures={name: [int(n or -1) for n in shape] for name, shape in quantised.signatures.items()},
        ),
    )


def _compare(reference: Engine, quantised: Engine) -> Agreement:
    frames = _pixels(photographs.labelled(), COMPARISON_PHOTOGRAPHS, COMPARISON_SEED, reference.input_size)
    images = np.stack(list(frames))
    expected = np.concatenate([reference.predict(images[i : i + 20]) for i in range(0, len(images), 20)])
    return agreement(expected, quantised.predict(images))


def _pixels(source: list[photographs.Photograph], count: int, seed: int, input_size: int) -> Iterator[Pixels]:
    for photograph, encoded in photographs.jittered(source, count, seed):
        pixels = decode(encoded, input_size)
        assert not isinstance(pixels, BadImage), photograph.name
        yield pixels


def _recipe(entry: Entry, input_size: int) -> str:
    recipe = hashlib.sha256(f"{entry.package_sha256} {input_size}".encode())
    for module in _RECIPE:
        recipe.update(Path(__file__).with_name(f"{module}.py").read_bytes())
    return recipe.hexdigest()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One export at a time; what a killed one left behind is removed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for left in folder.glob(".export-*"):
                shutil.rmtree(left)
            yield
    except OSError as error:
        raise ConfigError(f"can't be written: {error.strerror or error}", file=folder, key="--root") from None
