"""LiteRT (TensorFlow Lite): an int8 model.tflite of batch 1."""

import threading
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sightline.errors import ConfigError
from sightline.models.engines import LITERT_FILE, EngineName
from sightline.models.engines.checks import check_files, check_shapes
from sightline.models.quiet import native_chatter_removed
from sightline.models.signatures import PREDICT, SERVING_DEFAULT, Shape


class _Runnable(NamedTuple):
    """A signature with one input and one output: the tensors' names in the signature, and what they are."""

    input: str
    output: str
    input_details: dict[str, Any]
    output_details: dict[str, Any]

    @property
    def shape(self) -> Shape:
        return tuple(int(n) if n >= 0 else None for n in self.output_details["shape_signature"][1:])


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
        self._runnable = _runnable(self._interpreter)
        image, scores = self._image_and_scores(file)
        shapes = ([int(n) for n in details["shape"]] for details in (image, scores))
        self.input_size, self.labels = check_shapes(directory, file, *shapes)
        self._input, self._output = image["index"], scores["index"]
        self._in_first_graph = any(_same(scores, each) for each in self._interpreter.get_output_details())
        self._runnable = {name: each for name, each in self._runnable.items() if _same_input(each.input_details, image)}
        self.signatures = {name: each.shape for name, each in self._runnable.items()}
        self.signatures[PREDICT] = (len(self.labels),)
        self._lock = threading.Lock()

    def _image_and_scores(self, file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        """The tensors of `predict`: those of serving_default, or where there is no such signature the only ones."""
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        if default := self._runnable.get(SERVING_DEFAULT):
            inputs, outputs = [default.input_details], [default.output_details]
        if len(inputs) != 1 or len(outputs) != 1:
            raise ConfigError(f"has {len(inputs)} inputs and {len(outputs)} outputs; needed is one of each", file=file)
        if inputs[0]["dtype"] is not np.uint8 or outputs[0]["dtype"] is not np.float32 or inputs[0]["shape"][0] != 1:
            raise ConfigError("doesn't take one uint8 image and return float32 probabilities", file=file)
        return inputs[0], outputs[0]

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not self._in_first_graph:
            return self.run(SERVING_DEFAULT, images)
        scores = np.empty((len(images), len(self.labels)), np.float32)
        with self._lock:
            for row in range(len(images)):
                # Not by the signature's runner: it allocates all tensors anew, 0.05 ms each time.
                self._interpreter.set_tensor(self._input, images[row : row + 1])
                self._interpreter.invoke()
                scores[row] = self._interpreter.get_tensor(self._output)[0]
        return scores

    def run(self, signature: str, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        if signature == PREDICT:
            return self.predict(images)
        runnable = self._runnable[signature]
        if not len(images):
            return np.empty((0, *(n or 0 for n in runnable.shape)), np.float32)
        with self._lock:
            runner = self._interpreter.get_signature_runner(signature)  # while one lives, `predict` is refused
            rows = [runner(**{runnable.input: images[i : i + 1]})[runnable.output] for i in range(len(images))]
            del runner
        return np.concatenate(rows).astype(np.float32, copy=False)

    def warm_up(self, rows_max: int = 2) -> None:
        for signature in self.signatures:
            self.run(signature, np.zeros((2, self.input_size, self.input_size, 3), np.uint8))

    def close(self) -> None:
        with self._lock:
            del self._interpreter


def _runnable(interpreter: Any) -> dict[str, _Runnable]:
    """The signatures that take one tensor and return one of floats, a row for the one image."""
    found = {}
    for name, tensors in interpreter.get_signature_list().items():
        if len(tensors["inputs"]) != 1 or len(tensors["outputs"]) != 1:
            continue
        runner = interpreter.get_signature_runner(name)
        (taken,), (given,) = runner.get_input_details().items(), runner.get_output_details().items()
        if given[1]["dtype"] in (np.float32, np.float16) and len(given[1]["shape"]) and given[1]["shape"][0] == 1:
            found[name] = _Runnable(taken[0], given[0], taken[1], given[1])
    return found


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """One tensor of one graph: indices repeat between a model's graphs, names don't."""
    return bool(one["index"] == other["index"] and one["name"] == other["name"])


def _same_input(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one["dtype"] is other["dtype"] and list(one["shape"]) == list(other["shape"])
