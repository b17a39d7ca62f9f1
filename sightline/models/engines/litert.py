"""LiteRT (TensorFlow Lite): an int8 model.tflite of batch 1."""

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightline.errors import ConfigError
from sightline.models.engines import LITERT_FILE, EngineName
from sightline.models.engines.checks import check_files, check_shapes
from sightline.models.quiet import native_chatter_removed


class LiteRTEngine:
    """One interpreter, and `threads` threads of its own for each row."""

    name: EngineName = "litert"

    def __init__(self, directory: Path, threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter

        file = directory / LITERT_FILE
        check_files(directory, (LITERT_FILE,))
        try:
            with native_chatter_removed():
                self._interpreter = Interpreter(model_content=file.read_bytes(), num_threads=threads)
                self._interpreter.allocate_tensors()
        except OSError as error:
            raise ConfigError(f"can't be read: {error.strerror}", file=file) from None
        except (ValueError, RuntimeError) as error:
            raise ConfigError(f"isn't a LiteRT model: {error}", file=file) from None
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ConfigError(f"has {len(inputs)} inputs and {len(outputs)} outputs; needed is one of each", file=file)
        if inputs[0]["dtype"] is not np.uint8 or outputs[0]["dtype"] is not np.float32 or inputs[0]["shape"][0] != 1:
            raise ConfigError("doesn't take one uint8 image and return float32 probabilities", file=file)
        images, scores = ([int(n) for n in details["shape"]] for details in (inputs[0], outputs[0]))
        self.input_size, self.labels = check_shapes(directory, file, images, scores)
        self._input, self._output = inputs[0]["index"], outputs[0]["index"]
        self._lock = threading.Lock()

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        scores = np.empty((len(images), len(self.labels)), np.float32)
        with self._lock:
            for row in range(len(images)):
                self._interpreter.set_tensor(self._input, images[row : row + 1])
                self._interpreter.invoke()
                scores[row] = self._interpreter.get_tensor(self._output)[0]
        return scores

    def warm_up(self) -> None:
        self.predict(np.zeros((2, self.input_size, self.input_size, 3), np.uint8))

    def close(self) -> None:
        with self._lock:
            del self._interpreter
