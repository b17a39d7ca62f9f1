"""A TensorFlow network as a full-integer LiteRT model: int8 weights per channel, int8 activations, batch 1.

The input is quantised so that the uint8 pixels of the decoded image go in as they are: scale 1/128 and zero point 127
are exactly the network's (x - 127) / 128. Probabilities come out as float32 in steps of 1/256, features in steps of
1/255 of the largest that the calibration saw.
"""

import copy
import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.models import quiet
from sightline.models.efficientnet_lite import MEAN, SCALE
from sightline.models.signatures import FEATURIZE, SERVING_DEFAULT

Pixels = NDArray[np.uint8]


def to_litert(network: Any, input_size: int, calibration: list[Pixels]) -> bytes:
    """The bytes of a model.tflite: uint8 [1, s, s, 3] to float32 [1, classes], and `featurize` to [1, feature length].

    `network` is a tf.Module from normalised pixels to logits by way of `features`, `calibration` images of [s, s, 3]
    like those to come.
    """
    tf = quiet.tensorflow()

    @tf.function(input_signature=[tf.TensorSpec([1, input_size, input_size, 3], tf.float32, "images")])  # type: ignore[untyped-decorator]
    def function(images: Any) -> dict[str, Any]:
        features = network.features(images)
        return {"probabilities": tf.nn.softmax(network.logits(features)), "features": features}

    def samples() -> Iterator[list[NDArray[np.float32]]]:
        for pixels in calibration:
            yield [(pixels[None].astype(np.float32) - np.float32(MEAN)) / np.float32(SCALE)]

    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.float32
    with quiet.native_chatter_removed():
        model = _with_signatures(bytes(converter.convert()))
    _check_input(model)
    return model


def _with_signatures(model: bytes) -> bytes:
    """Two signatures over the one graph, an output each.

    The converter would give each signature a graph of its own, which the interpreter allocates and prepares once more.
    """
    flatbuffers = importlib.import_module("tensorflow.lite.tools.flatbuffer_utils")
    content = flatbuffers.convert_bytearray_to_object(bytearray(model))
    (both,) = content.signatureDefs
    content.signatureDefs = []
    for name, output in ((SERVING_DEFAULT, b"probabilities"), (FEATURIZE, b"features")):
        signature = copy.deepcopy(both)
        signature.signatureKey = name.encode()
        signature.outputs = [tensor for tensor in both.outputs if tensor.name == output]
        content.signatureDefs.append(signature)
    return bytes(flatbuffers.convert_object_to_bytearray(content))


def _check_input(model: bytes) -> None:
    from ai_edge_litert.interpreter import Interpreter

    details = Interpreter(model_content=model).get_input_details()[0]
    scale, zero_point = details["quantization"]
    if details["dtype"] is not np.uint8 or abs(scale * SCALE - 1) > 0.01 or zero_point != MEAN:
        raise SightlineError(
            f"the quantised input is {details['dtype'].__name__} with scale {scale} and zero point {zero_point}, not "
            f"pixels as they are: the calibration images must hold both black and white"
        )
