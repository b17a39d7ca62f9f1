"""EfficientNet-Lite0 as a TensorFlow module, with the weights of a state dict from `torch_pickle`.

The network (Tan & Le 2019; the Lite variants, TensorFlow's TPU repository 2020, leave out squeeze-and-excitation and
use ReLU6): a stem, sixteen inverted residual blocks, a head, average pooling and one dense layer. Weights are stored as
PyTorch has them, convolutions [out, in, h, w] and depthwise [channels, 1, h, w]; TensorFlow wants [h, w, in, out] and
[h, w, channels, 1]. Each batch normalisation is folded into the convolution before it, in float64.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sightline.models import quiet
from sightline.models.torch_pickle import Arrays

BATCH_NORM_EPSILON = 1e-3
MEAN, SCALE = 127.0, 128.0


class _Stage(NamedTuple):
    repeats: int
    kernel: int
    stride: int
    expand: bool


_STAGES = (
    _Stage(1, 3, 1, False),
    _Stage(2, 3, 2, True),
    _Stage(2, 5, 2, True),
    _Stage(3, 3, 2, True),
    _Stage(3, 5, 1, True),
    _Stage(4, 5, 2, True),
    _Stage(1, 3, 1, True),
)


class _Layer(NamedTuple):
    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]


def _folded(weights: Arrays, convolution: str, norm: str) -> _Layer:
    kernel = weights[f"{convolution}.weight"].astype(np.float64)
    scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"].astype(np.float64) + BATCH_NORM_EPSILON)
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
    depthwise = "depthwise" in convolution
    kernel = (kernel * scale[:, None, None, None]).transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
    return _Layer(kernel.astype(np.float32), bias.astype(np.float32))


def build(weights: Arrays) -> Any:
    """A tf.Module: float32 [n, s, s, 3], already (x - 127) / 128, to logits float32 [n, 1000]; any s from 32 up.

    `features` is the first part of the way, to float32 [n, 1280], and `logits` the rest.
    """
    tf = quiet.tensorflow()

    class Convolution(tf.Module):  # type: ignore[misc,name-defined]
        def __init__(self, layer: str, norm: str, stride: int = 1, relu: bool = True) -> None:
            super().__init__(name=layer.replace(".", "").lstrip("_"))
            kernel, bias = _folded(weights, layer, norm)
            self.kernel = tf.Variable(kernel, trainable=False, name="kernel")
            self.bias = tf.Variable(bias, trainable=False, name="bias")
            self._convolve = tf.nn.depthwise_conv2d if "depthwise" in layer else tf.nn.conv2d
            self._strides, self._relu = [1, stride, stride, 1], relu

        def __call__(self, x: Any) -> Any:
            x = tf.nn.bias_add(self._convolve(x, self.kernel, self._strides, "SAME"), self.bias)
            return tf.nn.relu6(x) if self._relu else x

    class Block(tf.Module):  # type: ignore[misc,name-defined]
        def __init__(self, name: str, stage: _Stage, stride: int) -> None:
            super().__init__(name=name.replace(".", "").lstrip("_"))
            self.expand = Convolution(f"{name}._expand_conv", f"{name}._bn0") if stage.expand else None
            self.depthwise = Convolution(f"{name}._depthwise_conv", f"{name}._bn1", stride)
            self.project = Convolution(f"{name}._project_conv", f"{name}._bn2", relu=False)

        def __call__(self, x: Any) -> Any:
            y = self.project(self.depthwise(self.expand(x) if self.expand else x))
            return x + y if x.shape == y.shape else y

    class Network(tf.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__(name="efficientnet_lite0")
            self.stem = Convolution("_conv_stem", "_bn0", stride=2)
            strides = [(stage, stage.stride if i == 0 else 1) for stage in _STAGES for i in range(stage.repeats)]
            self.blocks = [Block(f"_blocks.{i}", stage, stride) for i, (stage, stride) in enumerate(strides)]
            self.head = Convolution("_conv_head", "_bn1")
            self.dense = tf.Variable(weights["_fc.weight"].T.copy(), trainable=False, name="dense")
            self.bias = tf.Variable(weights["_fc.bias"], trainable=False, name="bias")

        def features(self, x: Any) -> Any:
            x = self.stem(x)
            for block in self.blocks:
                x = block(x)
            return tf.reduce_mean(self.head(x), [1, 2])

        def logits(self, features: Any) -> Any:
            return features @ self.dense + self.bias

        def __call__(self, x: Any) -> Any:
            return self.logits(self.features(x))

    return Network()
