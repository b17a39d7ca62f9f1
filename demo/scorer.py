"""The system's truth about an image: the same model file, run in this process on the very bytes sent.

An int8 network gives the same bits whatever the number of threads, so a score on this side of a threshold is on this
side in the featurizer too.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from demo.spool import Spool
from sightline.models import engines
from sightline.models.decode import BadImage, decode


class Scorer:
    """`engine` is what the featurizer says it runs: another one may well differ in the last digits."""

    def __init__(self, model: Path, engine: engines.EngineName, photographs: Spool) -> None:
        newest = max((folder for folder in model.iterdir() if folder.name.isdigit()), key=lambda it: int(it.name))
        self._engine = engines.load(newest, engine, threads=2)
        self._photographs = photographs
        self._best: dict[int, tuple[str, float]] = {}

    def score_all(self, photos: Sequence[int], progress: Callable[[str], None]) -> None:
        for done, photo in enumerate(photos):
            if done % 20 == 0:
                progress(f"{done} of {len(photos)} images")
            self.score(photo)
        progress(f"{len(photos)} images")

    def score(self, photo: int) -> tuple[str, float]:
        """Best label and its score."""
        if photo not in self._best:
            self._best[photo] = self._predict(self._photographs[photo].jpeg)
        return self._best[photo]

    def _predict(self, jpeg: bytes) -> tuple[str, float]:
        pixels = decode(jpeg, self._engine.input_size)
        if isinstance(pixels, BadImage):
            raise ValueError(f"a photograph of the demo's own can't be decoded: {pixels.detail}")
        scores = self._engine.predict(pixels[None])[0]
        best = int(scores.argmax())
        return self._engine.labels[best], float(scores[best])
