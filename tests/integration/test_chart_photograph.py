"""The photograph that `helm test` sends alerts with the product's own model, by either engine, with room to spare."""

from pathlib import Path

import pytest

from sightline.models import engines
from sightline.models.decode import BadImage, decode

MISSILE_MIN = 0.25  # pipelines/find-bond.yaml


@pytest.mark.parametrize("engine", ["litert", "tensorflow"])
def test_photograph_is_bond_s(root: Path, engine: engines.EngineName):
    model = engines.load(root / "build" / "models" / "efficientnet-lite0" / "1", engine, threads=2)
    pixels = decode((root / "helm/sightline/files/photographs/rocket.jpg").read_bytes(), model.input_size)
    assert not isinstance(pixels, BadImage)
    scores = model.predict(pixels[None])[0]
    best = int(scores.argmax())
    assert model.labels[best] == "missile"
    assert scores[best] > 2 * MISSILE_MIN
