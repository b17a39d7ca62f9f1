"""Engines on models that no exporter of ours made."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline.models import quiet
from sightline.models.engines import Engine, load
from tests.integration.hand_made_model import SIZE, make_by_hand, make_litert_by_hand

EXPECTED = {
    "tensorflow": {"predict": (2,), "serving_default": (2,), "norms": (2, 3), "light": ()},
    "litert": {"predict": (2,), "serving_default": (2,), "norms": (2, 3)},
}


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Engine]:
    saved_model, litert = tmp_path_factory.mktemp("saved-model"), tmp_path_factory.mktemp("litert")
    make_by_hand(saved_model)
    make_litert_by_hand(litert, saved_model)
    return {"tensorflow": load(saved_model), "litert": load(litert)}


@pytest.mark.parametrize("name", EXPECTED)
def test_signatures_of_one_image_in_and_floats_out_are_offered(engines: dict[str, Engine], name: str) -> None:
    engine = engines[name]
    assert (engine.name, engine.signatures, engine.labels) == (name, EXPECTED[name], ["dark", "light"])
    engine.warm_up()


@pytest.mark.parametrize("name", EXPECTED)
def test_they_run_in_any_order(engines: dict[str, Engine], name: str) -> None:
    engine = engines[name]
    images = np.random.default_rng(4).integers(0, 255, (3, SIZE, SIZE, 3), np.uint8)
    flat = images.reshape(3, -1, 3).astype(np.float32)
    norms = np.stack([flat.sum(axis=1), np.sqrt((flat**2).sum(axis=1))], axis=1)
    light = images.mean(axis=(1, 2, 3)) / 255
    for _ in range(2):
        np.testing.assert_allclose(engine.run("norms", images), norms, rtol=1e-5)
        np.testing.assert_allclose(engine.predict(images), np.stack([1 - light, light], axis=1), rtol=1e-5)
    assert engine.run("norms", images[:0]).shape == (0, 2, 3)
    assert engine.run("norms", images).dtype == np.float32


def test_on_a_gpu_no_batch_is_of_a_size_that_has_not_been_warmed_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There TensorFlow tries algorithms out for each new size of a batch, which callers would wait for."""
    make_by_hand(tmp_path)
    config = quiet.tensorflow().config
    monkeypatch.setattr(config, "list_physical_devices", lambda kind: [kind] if kind == "GPU" else [])
    engine: Any = load(tmp_path)
    sizes: list[int] = []

    def counted(runnable: Any) -> Any:
        def function(pictures: Any) -> Any:
            sizes.append(len(pictures))
            return runnable.function(pictures=pictures)

        return runnable._replace(function=function)

    monkeypatch.setattr(engine, "_runnable", {name: counted(each) for name, each in engine._runnable.items()})
    engine.warm_up(5)
    warm = set(sizes)
    assert warm == {1, 2, 4, 8}
    images = np.random.default_rng(5).integers(0, 255, (5, SIZE, SIZE, 3), np.uint8)
    light = images.mean(axis=(1, 2, 3)) / 255
    for rows in range(6):
        np.testing.assert_allclose(engine.run("light", images[:rows]), light[:rows], rtol=1e-5)
    assert set(sizes) == warm
