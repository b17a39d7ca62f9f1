"""TensorFlow: a SavedModel's signatures, on CPU or GPU.

On a GPU the convolutions' algorithms are chosen by trial when a batch of some size is first seen, which takes ten times
as long as running it. So there batches are filled up to powers of two, all of which are run before the first event.
"""

import logging
import threading
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sightline.errors import ConfigError
from sightline.models import quiet
from sightline.models.engines import SAVED_MODEL_FILE, EngineName
from sightline.models.engines.checks import check_files, check_shapes
from sightline.models.signatures import PREDICT, SERVING_DEFAULT, Shape

log = logging.getLogger(__name__)


class _Runnable(NamedTuple):
    """A signature of one image tensor in and one float tensor out, a row for each image."""

    function: Any
    input: str
    output: str
    shape: Shape


class TensorFlowEngine:
    """One SavedModel. TensorFlow's thread pools belong to the process: the first engine's `threads` holds for all."""

    name: EngineName = "tensorflow"

    def __init__(self, directory: Path, threads: int = 1) -> None:
        tf = quiet.tensorflow()
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError:
            pass  # the pools are already running
        file = directory / SAVED_MODEL_FILE
        check_files(directory, (SAVED_MODEL_FILE, "variables/"))
        try:
            self._model = tf.saved_model.load(str(directory))
        except Exception as error:  # TensorFlow raises many kinds on a damaged SavedModel
            raise ConfigError(f"isn't a SavedModel: {str(error).splitlines()[0]}", file=file) from None
        function = self._model.signatures.get(SERVING_DEFAULT)
        if function is None:
            raise ConfigError("has no signature serving_default", file=file)
        inputs, outputs = list(function.structured_input_signature[1].values()), function.structured_outputs
        if len(inputs) != 1 or len(outputs) != 1 or inputs[0].dtype != tf.uint8:
            raise ConfigError("serving_default doesn't take one uint8 tensor and return one", file=file)
        (scores,) = outputs.values()
        shapes = inputs[0].shape.as_list(), scores.shape.as_list()
        self.input_size, self.labels = check_shapes(directory, file, *shapes)
        self._runnable = _runnable(self._model.signatures, self.input_size)
        self._runnable[PREDICT] = _Runnable(function, inputs[0].name, next(iter(outputs)), (len(self.labels),))
        self.signatures = {name: each.shape for name, each in self._runnable.items()}
        self._constant, self._pad = tf.constant, tf.pad
        gpus = tf.config.list_physical_devices("GPU")
        self._filled_up = bool(gpus)
        # A GPU whose libraries are not found is passed over by TensorFlow without an error: the log tells.
        log.info("TensorFlow computes", extra={"model": str(directory), "gpus": len(gpus)})
        self._lock = threading.Lock()

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self.run(PREDICT, images)

    def run(self, signature: str, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        function, taken, given, shape = self._runnable[signature]
        if not len(images):
            return np.empty((0, *(n or 0 for n in shape)), np.float32)
        with self._lock:
            values = function(**{taken: self._batch(images)})[given].numpy()
        return np.asarray(values[: len(images)], np.float32)

    def warm_up(self, rows_max: int = 2) -> None:
        for rows in powers_of_two(rows_max) if self._filled_up else (1, 2):
            for signature in self.signatures:
                self.run(signature, np.zeros((rows, self.input_size, self.input_size, 3), np.uint8))
        if self._filled_up and rows_max > 2:
            self.run(PREDICT, np.zeros((3, self.input_size, self.input_size, 3), np.uint8))

    def _batch(self, images: NDArray[np.uint8]) -> Any:
        """Where the network runs; on a GPU filled up, there and not here: copying costs more than black images do."""
        missing = filled_up(len(images)) - len(images) if self._filled_up else 0
        batch = self._constant(images)
        return self._pad(batch, [[0, missing], [0, 0], [0, 0], [0, 0]]) if missing else batch

    def close(self) -> None:
        with self._lock:
            del self._model, self._runnable


def powers_of_two(rows_max: int) -> list[int]:
    """1, 2, 4, ... to the first that holds `rows_max`."""
    return [1 << power for power in range(filled_up(rows_max).bit_length())]


def filled_up(rows: int) -> int:
    """The power of two that holds `rows`, of which there is one at least."""
    return 1 << (rows - 1).bit_length()


def _runnable(signatures: Any, input_size: int) -> dict[str, _Runnable]:
    tf = quiet.tensorflow()
    found = {}
    for name, function in signatures.items():
        inputs, outputs = list(function.structured_input_signature[1].values()), function.structured_outputs
        if len(inputs) != 1 or len(outputs) != 1:
            continue
        ((output, values),) = outputs.items()
        image = tf.TensorSpec([None, input_size, input_size, 3], tf.uint8)
        if not image.is_compatible_with(inputs[0]) or not values.dtype.is_floating or not values.shape.rank:
            continue
        rows, *shape = values.shape.as_list()
        if rows is None:  # as many as there are images
            found[name] = _Runnable(function, inputs[0].name, output, tuple(shape))
    return found
