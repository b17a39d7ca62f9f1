"""TensorFlow: a SavedModel's `serving_default`, on CPU or GPU."""

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightline.errors import ConfigError
from sightline.models import quiet
from sightline.models.engines import SAVED_MODEL_FILE, EngineName
from sightline.models.engines.checks import check_files, check_shapes


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
        function = self._model.signatures.get("serving_default")
        if function is None:
            raise ConfigError("has no signature serving_default", file=file)
        inputs, outputs = list(function.structured_input_signature[1].values()), function.structured_outputs
        if len(inputs) != 1 or len(outputs) != 1 or inputs[0].dtype != tf.uint8:
            raise ConfigError("serving_default doesn't take one uint8 tensor and return one", file=file)
        (self._output, scores), self._input = next(iter(outputs.items())), inputs[0].name
        shapes = inputs[0].shape.as_list(), scores.shape.as_list()
        self.input_size, self.labels = check_shapes(directory, file, *shapes)
        self._function, self._constant = function, tf.constant
        self._lock = threading.Lock()

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not len(images):
            return np.empty((0, len(self.labels)), np.float32)
        with self._lock:
            scores = self._function(**{self._input: self._constant(images)})[self._output].numpy()
        return np.asarray(scores, np.float32)

    def warm_up(self) -> None:
        for rows in (1, 2):
            self.predict(np.zeros((rows, self.input_size, self.input_size, 3), np.uint8))

    def close(self) -> None:
        with self._lock:
            del self._model, self._function
