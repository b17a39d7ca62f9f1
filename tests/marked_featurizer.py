"""The real featurizer with a model that some images break: `python -m tests.marked_featurizer`, flags as ever.

An image all in KILLS ends the process at once, as a fault in native code would; one all in FAILS raises.
"""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from services.common.grpc_core import poll_in_one_thread
from services.common.lifecycle import run
from services.common.settings import load
from services.featurizer.settings import Settings
from sightline.models import engines

KILLS = (255, 0, 255)
FAILS = (0, 255, 255)
EXIT_CODE = 66


def image(colour: tuple[int, int, int]) -> bytes:
    """A PNG all in one colour."""
    out = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(out, "PNG")
    return out.getvalue()


class MarkedEngine:
    def __init__(self, engine: engines.Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def run(self, signature: str, images: np.ndarray) -> np.ndarray:
        if (images == KILLS).all(axis=(1, 2, 3)).any():
            os._exit(EXIT_CODE)
        if (images == FAILS).all(axis=(1, 2, 3)).any():
            raise ValueError("a marked image")
        return self._engine.run(signature, images)


def open_engine(directory: Path, choice: engines.Choice, threads: int) -> Any:
    return MarkedEngine(engines.load(directory, choice, threads))


def main() -> None:
    settings = load(Settings, program="python -m tests.marked_featurizer", examples="")
    poll_in_one_thread()
    from services.featurizer.app import serve

    run(lambda lifecycle: serve(settings, lifecycle, open_engine), settings)


if __name__ == "__main__":
    main()
