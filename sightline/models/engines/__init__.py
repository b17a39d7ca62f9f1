"""What runs a model: one interface, two implementations.

LiteRT runs `model.tflite` (int8, the faster on CPU), TensorFlow the SavedModel. Both lie in one version directory with
`labels.txt`; `load` picks.
"""

from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from sightline.errors import ConfigError
from sightline.models.signatures import Shape

EngineName = Literal["litert", "tensorflow"]
Choice = Literal["auto", "litert", "tensorflow"]

LITERT_FILE = "model.tflite"
SAVED_MODEL_FILE = "saved_model.pb"


class Engine(Protocol):
    """One loaded model. It may be called from any thread; calls on one engine run one after the other."""

    name: EngineName
    input_size: int
    """Edge of the square input in pixels."""
    labels: list[str]
    signatures: dict[str, Shape]
    """What `run` runs, and the shape of its output for one image. PREDICT is always there."""

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """RGB [n, s, s, 3] to probabilities [n, classes]; n may be 0. Releases the GIL while the network runs."""
        ...

    def run(self, signature: str, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """RGB [n, s, s, 3] to [n, *shape] by one of `signatures` (else KeyError), otherwise as `predict`."""
        ...

    def warm_up(self, rows_max: int = 2) -> None:
        """Run everything once, so that no event pays for lazy set-up; batches will have up to `rows_max` images."""
        ...

    def close(self) -> None:
        """Free the model's memory; nothing may be called afterwards."""
        ...


def load(directory: Path, engine: Choice = "auto", threads: int = 1) -> Engine:
    """The model in a version directory. `auto` is LiteRT where there is a model.tflite, else TensorFlow.

    Raises ConfigError naming the file or directory that is missing, empty, damaged or of another kind.
    """
    if not directory.is_dir():
        raise ConfigError("is not a directory" if directory.exists() else "does not exist", file=directory)
    available: list[EngineName] = []
    if (directory / LITERT_FILE).is_file():
        available.append("litert")
    if (directory / SAVED_MODEL_FILE).is_file():
        available.append("tensorflow")
    if not available:
        raise ConfigError(f"holds neither {LITERT_FILE} nor {SAVED_MODEL_FILE}", file=directory)
    chosen = available[0] if engine == "auto" else engine
    if chosen not in available:
        missing = LITERT_FILE if chosen == "litert" else SAVED_MODEL_FILE
        raise ConfigError(f"holds no {missing}, which engine {chosen} runs", file=directory)
    if chosen == "litert":
        from sightline.models.engines.litert import LiteRTEngine

        return LiteRTEngine(directory, threads)
    from sightline.models.engines.tensorflow import TensorFlowEngine

    return TensorFlowEngine(directory, threads)
