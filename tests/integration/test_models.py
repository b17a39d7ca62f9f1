"""The exported network on real photographs: what it sees, that its engines agree, and what a damaged directory says."""

import io
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sightline.errors import ConfigError
from sightline.models import efficientnet_lite, manifest, photographs, pull, quiet, repository, zoo
from sightline.models.agreement import agreement
from sightline.models.decode import BadImage, decode
from sightline.models.engines import Engine, load

Images = NDArray[np.uint8]

SEEN = {
    "chelsea": {"tiger cat", "Egyptian cat", "tabby"},
    "coffee": {"espresso"},
    "rocket": {"missile"},
    "motorcycle_left": {"moped", "motor scooter"},
    "motorcycle_right": {"moped", "motor scooter"},
}


@pytest.fixture(scope="module")
def directory(root: Path) -> Path:
    models = root / "build" / "models"
    if not models.is_dir():
        pytest.skip("no exported model: make models")
    return repository.resolve(models, "efficientnet-lite0").directory


@pytest.fixture(scope="module")
def litert(directory: Path) -> Engine:
    return load(directory, "auto")


@pytest.fixture(scope="module")
def tensorflow(directory: Path) -> Engine:
    return load(directory, "tensorflow")


def jpeg(pixels: Images, quality: int = 92) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()


def decoded(data: bytes, size: int) -> Images:
    pixels = decode(data, size)
    assert not isinstance(pixels, BadImage)
    return pixels


@pytest.mark.parametrize("which", ["litert", "tensorflow"])
def test_sees_what_is_on_the_photographs(which: str, request: pytest.FixtureRequest) -> None:
    engine: Engine = request.getfixturevalue(which)
    assert engine.name == which and len(engine.labels) == 1000
    for photograph in photographs.labelled():
        scores = engine.predict(decoded(jpeg(photograph.pixels), engine.input_size)[None])
        assert scores.shape == (1, 1000) and scores.dtype == np.float32
        assert abs(scores.sum() - 1) < 0.05
        assert engine.labels[scores[0].argmax()] in SEEN[photograph.name], photograph.name


def test_engines_agree(litert: Engine, tensorflow: Engine) -> None:
    frames = photographs.jittered(photographs.labelled(), 60, seed=11)
    images = np.stack([decoded(data, litert.input_size) for _, data in frames])
    compared = agreement(tensorflow.predict(images), litert.predict(images))
    assert compared.top1 >= 0.85 and compared.cosine_mean >= 0.97
    assert max(compared.differ_at_threshold.values()) <= 0.2


def test_a_batch_equals_its_rows(litert: Engine, tensorflow: Engine) -> None:
    images = np.random.default_rng(0).integers(0, 255, (3, litert.input_size, litert.input_size, 3), np.uint8)
    for engine in (litert, tensorflow):
        rows = np.concatenate([engine.predict(images[i : i + 1]) for i in range(3)])
        np.testing.assert_allclose(engine.predict(images), rows, atol=1e-5)
        assert engine.predict(images[:0]).shape == (0, 1000)
        assert engine.run("featurize", images[:0]).shape == (0, 1280)


@pytest.fixture(scope="module")
def seen(litert: Engine) -> Images:
    frames = photographs.jittered(photographs.labelled(), 20, seed=12)
    return np.stack([decoded(data, litert.input_size) for _, data in frames])


def test_features_are_those_of_the_network_built_from_its_weights(root: Path, tensorflow: Engine, seen: Images) -> None:
    known, cache = zoo.entry("efficientnet-lite0"), root / "build" / "models-cache"
    if not (cache / known.package).is_file():
        pytest.skip("no pulled weights: make models")
    network = efficientnet_lite.build(pull.read_weights(known, cache / known.package))
    pooled = network.features((seen.astype(np.float32) - efficientnet_lite.MEAN) / efficientnet_lite.SCALE).numpy()
    assert pooled.shape == (20, 1280) and pooled.std() > 0.1
    np.testing.assert_allclose(tensorflow.run("featurize", seen), pooled, atol=1e-4)


def test_the_last_layer_turns_features_into_the_predicted_probabilities(
    directory: Path, tensorflow: Engine, seen: Images
) -> None:
    loaded = quiet.tensorflow().saved_model.load(str(directory))
    logits = tensorflow.run("featurize", seen) @ loaded.dense.numpy() + loaded.bias.numpy()
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), tensorflow.predict(seen), atol=1e-5)


def test_int8_features_point_where_those_in_float32_do(litert: Engine, tensorflow: Engine, seen: Images) -> None:
    int8, float32 = litert.run("featurize", seen), tensorflow.run("featurize", seen)
    assert int8.shape == (20, 1280) and int8.dtype == np.float32
    cosine = (int8 * float32).sum(axis=1) / np.linalg.norm(int8, axis=1) / np.linalg.norm(float32, axis=1)
    assert cosine.mean() > 0.99 and cosine.min() > 0.9, cosine


@pytest.mark.parametrize("which", ["litert", "tensorflow"])
def test_signatures(which: str, request: pytest.FixtureRequest, directory: Path, seen: Images) -> None:
    engine: Engine = request.getfixturevalue(which)
    assert engine.signatures == {"predict": (1000,), "serving_default": (1000,), "featurize": (1280,)}
    made = manifest.read(directory)
    assert made and made.signatures == {name: list(shape) for name, shape in engine.signatures.items()}
    for signature in ("predict", "serving_default"):  # whatever ran before
        engine.run("featurize", seen[:1])
        np.testing.assert_allclose(engine.run(signature, seen[:3]), engine.predict(seen[:3]), atol=1e-6)
    with pytest.raises(KeyError):
        engine.run("no such", seen)


@pytest.mark.parametrize("which", ["litert", "tensorflow"])
def test_predict_releases_the_gil(which: str, request: pytest.FixtureRequest) -> None:
    engine: Engine = request.getfixturevalue(which)
    engine.warm_up()
    images = np.zeros((1, engine.input_size, engine.input_size, 3), np.uint8)
    ran, interval_s = threading.Event(), sys.getswitchinterval()
    sys.setswitchinterval(60)  # nobody takes the GIL from us: another thread runs only if we let go of it
    try:
        begin = threading.Event()

        def other() -> None:
            begin.wait()
            ran.set()

        thread = threading.Thread(target=other)
        thread.start()
        begin.set()  # from here on the other thread waits for the GIL alone
        for _ in range(200):
            engine.predict(images)
            if ran.is_set():
                break
        assert ran.is_set()
    finally:
        sys.setswitchinterval(interval_s)
        thread.join()


def test_many_threads_share_one_engine(litert: Engine) -> None:
    images = np.random.default_rng(1).integers(0, 255, (4, litert.input_size, litert.input_size, 3), np.uint8)
    expected, wrong = litert.predict(images), []

    def work(row: int) -> None:
        for _ in range(5):
            if not np.array_equal(litert.predict(images[row : row + 1])[0], expected[row]):
                wrong.append(row)

    threads = [threading.Thread(target=work, args=(row,)) for row in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_graph_decodes_jpeg_as_we_do(directory: Path, tensorflow: Engine) -> None:
    tf = quiet.tensorflow()
    served = tf.saved_model.load(str(directory)).signatures["predict_jpeg"]
    data = [jpeg(photograph.pixels) for photograph in photographs.labelled()]
    theirs = served(image_bytes=tf.constant(data))["probabilities"].numpy()
    ours = tensorflow.predict(np.stack([decoded(each, tensorflow.input_size) for each in data]))
    assert agreement(theirs, ours).cosine_mean > 0.97
    assert (theirs.argmax(axis=1) == ours.argmax(axis=1)).sum() >= 4


def test_the_manifest_is_true(directory: Path, litert: Engine) -> None:
    made = manifest.read(directory)
    assert made and made.input_size == litert.input_size and made.name == directory.parent.name
    there = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}
    assert there == {*made.files, manifest.MANIFEST_FILE}


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


DAMAGE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a bit of model.tflite": (lambda d: flip(d / "model.tflite"), "litert", "model.tflite: is damaged"),
    "a bit of the weights": (lambda d: flip(d / "variables/variables.data-00000-of-00001"), "tensorflow", "is damaged"),
    "a bit of saved_model.pb": (lambda d: flip(d / "saved_model.pb"), "tensorflow", "saved_model.pb: is damaged"),
    "no weights": (lambda d: shutil.rmtree(d / "variables"), "tensorflow", "variables.*can't be read"),
    "no labels": (lambda d: (d / "labels.txt").unlink(), "litert", "labels.txt: can't be read"),
    "one label": (lambda d: (d / "labels.txt").write_text("cat\n"), "litert", "1000.*but labels.txt has 1"),
    "a label twice": (lambda d: (d / "labels.txt").write_text("cat\n" * 1000), "litert", "names 'cat' twice"),
    "no model.tflite": (lambda d: (d / "model.tflite").unlink(), "litert", "holds no model.tflite"),
    "no saved_model.pb": (lambda d: (d / "saved_model.pb").unlink(), "tensorflow", "holds no saved_model.pb"),
    "a manifest of other making": (lambda d: (d / "model.json").write_text("{}"), "litert", "isn't a model's manifest"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_directory_is_refused_by_name(damage: str, directory: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(directory, tmp_path / "1"))
    harm, engine, message = DAMAGE[damage]
    harm(copy)
    with pytest.raises(ConfigError, match=message) as error:
        load(copy, engine)  # type: ignore[arg-type]
    assert str(copy) in str(error.value)


@pytest.mark.parametrize(("engine", "name"), [("litert", "model.tflite"), ("tensorflow", "saved_model.pb")])
@pytest.mark.parametrize("data", [b"", b"not a model", bytes(10_000)])
def test_rubbish_without_a_manifest_is_refused(engine: str, name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    (tmp_path / "labels.txt").write_text("cat\n")
    with pytest.raises(ConfigError, match=name):
        load(tmp_path, engine)  # type: ignore[arg-type]


def test_an_empty_or_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds neither model\.tflite nor saved_model\.pb"):
        load(tmp_path)
    with pytest.raises(ConfigError, match="does not exist"):
        load(tmp_path / "missing")


def test_without_a_manifest_a_model_still_loads(directory: Path, tmp_path: Path, litert: Engine) -> None:
    for name in ("model.tflite", "labels.txt"):
        shutil.copy(directory / name, tmp_path)
    engine = load(tmp_path)
    assert (engine.name, engine.input_size) == ("litert", litert.input_size)


def test_loading_prints_nothing(directory: Path) -> None:
    program = (
        f"from pathlib import Path; from sightline.models.engines import load; load(Path({str(directory)!r}), {{!r}})"
    )
    for engine in ("litert", "tensorflow"):
        run = subprocess.run([sys.executable, "-c", program.format(engine)], capture_output=True, text=True, check=True)
        assert (run.stdout, run.stderr) == ("", "")
