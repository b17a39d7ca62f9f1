"""One batch on one signature of a model: encoded images in, for each the model's output or why there is none."""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.featurizer.errors import MODEL_ERROR, Refusal
from sightline.models.decode import BadImage, Pixels
from sightline.models.engines import Engine
from sightline.models.signatures import Shape

log = logging.getLogger(__name__)

Row = NDArray[np.float32] | Refusal
"""float32 of the signature's shape (PREDICT: [classes] that sum to 1), or what is wrong."""

Decode = Callable[[bytes], Pixels | BadImage]


class Scored(NamedTuple):
    """A batch that ran; times in seconds, `started_s` on the monotonic clock."""

    rows: list[Row]
    started_s: float
    decode_s: float
    inference_s: float


class Scorer:
    """Blocking; one call at a time. An image that can't be decoded or scored never costs the others their answer."""

    def __init__(self, engine: Engine, decode: Decode, decoders: Executor) -> None:
        self._engine, self._decode, self._decoders = engine, decode, decoders

    def score(self, images: Sequence[bytes], signature: str) -> Scored:
        started_s = time.monotonic()
        decoded = list(map(self._decode, images) if len(images) == 1 else self._decoders.map(self._decode, images))
        decoded_s = time.monotonic()
        rows: list[Row] = [_refused(image) if isinstance(image, BadImage) else MODEL_ERROR for image in decoded]
        good = [index for index, image in enumerate(decoded) if not isinstance(image, BadImage)]
        if good:
            pixels = np.stack([image for image in decoded if not isinstance(image, BadImage)])
            for index, row in zip(good, self._run(signature, pixels), strict=True):
                rows[index] = row
        return Scored(rows, started_s, decoded_s - started_s, time.monotonic() - decoded_s)

    def _run(self, signature: str, pixels: NDArray[np.uint8]) -> list[Row]:
        """uint8 [n, s, s, 3]. A batch that fails runs again image by image, so that only the one at fault has none."""
        try:
            values = self._engine.run(signature, pixels)
            if not _is(values.shape, (len(pixels), *self._engine.signatures[signature])):
                raise ValueError(f"{signature} returned {values.shape} for {len(pixels)} images")
        except Exception:
            if len(pixels) == 1:
                log.exception("the model failed on an image")
                return [MODEL_ERROR]
            return [row for image in pixels for row in self._run(signature, image[np.newaxis])]
        return [row if np.isfinite(row).all() else MODEL_ERROR for row in values]


def _is(shape: tuple[int, ...], promised: Shape) -> bool:
    return len(shape) == len(promised) and all(n == m for n, m in zip(shape, promised, strict=True) if m is not None)


def _refused(image: BadImage) -> Refusal:
    return Refusal(image.fault, image.detail)
