"""The network alone, in this process, on one thread: CPU milliseconds an image by batch and engine, decoding apart."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.sizing.photographs import SIZES, take
from sightline.models.decode import BadImage, decode
from sightline.models.engines import Choice, Engine, load
from sightline.models.repository import models

BATCHES = (1, 8, 32)
ROUNDS = 12
IMAGES_A_ROUND = 32
ENGINES: tuple[Choice, ...] = ("litert", "tensorflow")


def measure(model: Path) -> dict[str, Any]:
    """Lower quartiles: other work on the machine only ever adds."""
    newest = models(model.parent)[model.name][-1]
    found: dict[str, Any] = {"version": newest, "decode_cpu_ms": {}, "predict_cpu_ms": {}}
    size = 0
    for choice in ENGINES:
        engine = load(model / str(newest), choice, threads=1)
        size = engine.input_size
        images = np.random.default_rng(1).integers(0, 256, (max(BATCHES), size, size, 3), dtype=np.uint8)
        engine.warm_up()
        predict = {str(batch): _cpu_ms(partial(_predict, engine, images, batch)) for batch in BATCHES}
        found["predict_cpu_ms"][choice] = predict
        engine.close()
    for name, shape in SIZES.items():
        found["decode_cpu_ms"][name] = _cpu_ms(partial(_decode, take(shape, IMAGES_A_ROUND), size))
    return found | {"input_size": size}


def _predict(engine: Engine, images: NDArray[np.uint8], batch: int) -> None:
    for _ in range(IMAGES_A_ROUND // batch):
        engine.predict(images[:batch])


def _decode(photos: list[bytes], size: int) -> None:
    for each in photos:
        if isinstance(found := decode(each, size), BadImage):
            raise SystemExit(f"a photograph of ours can't be decoded: {found.detail}")


def _cpu_ms(work: Callable[[], None]) -> float:
    """Of one of IMAGES_A_ROUND images."""
    spent = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        work()
        spent.append((time.process_time() - begin) * 1e3 / IMAGES_A_ROUND)
    return round(statistics.quantiles(spent, n=4)[0], 3)
