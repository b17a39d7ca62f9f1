"""Reads PyTorch's file format from before 1.6 into numpy arrays, without PyTorch and without running code from it.

The format, after `torch.serialization._legacy_save`: five pickles one after the other (a magic number, a protocol
version, facts about the writing system, the state dict, the storage keys), then for each key, in that order, the
number of elements as a little-endian int64 and the raw elements. In the state dict a tensor is a call of
`torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...)` and a storage is a persistent id.

A pickle may name any callable. This reader knows the four names below and refuses every other.
"""

import math
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from sightline.errors import ConfigError

Arrays = dict[str, NDArray[Any]]

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
STORAGES_MAX = 10_000
STORAGE_BYTES_MAX = 1 << 30


@dataclass
class _Storage:
    dtype: np.dtype[Any]
    elements: int
    data: NDArray[Any] | None = None


@dataclass
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> NDArray[Any]:
        """The elements in C order; strides are arbitrary (weights that came from TensorFlow are transposed)."""
        data = self.storage.data
        if data is None:
            raise ValueError("a tensor's storage is missing")
        counts = zip(self.shape, self.strides, strict=True)
        last = self.offset + sum((count - 1) * stride for count, stride in counts)
        if self.offset < 0 or min(self.shape, default=1) < 1 or min(self.strides, default=0) < 0 or last >= data.size:
            raise ValueError("a tensor lies outside of its storage")
        if math.prod(self.shape) > data.size:  # overlapping elements: a small file that unfolds without end
            raise ValueError("a tensor is larger than its storage")
        steps = [stride * data.itemsize for stride in self.strides]
        view = np.lib.stride_tricks.as_strided(data[self.offset :], self.shape, steps, writeable=False)
        return np.ascontiguousarray(view)


def _rebuild(storage: object, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> _Tensor:
    if not isinstance(storage, _Storage):
        raise pickle.UnpicklingError("a tensor without a storage")
    return _Tensor(storage, offset, shape, strides)


_NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _NAMES[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"refused: {module}.{name} is not part of a file of weights") from None

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _device, elements, view = pid
        if kind != "storage" or not isinstance(dtype, np.dtype) or view is not None:
            raise pickle.UnpicklingError("a storage of an unknown kind")
        if not 0 <= elements * dtype.itemsize <= STORAGE_BYTES_MAX or len(self.storages) >= STORAGES_MAX:
            raise pickle.UnpicklingError("a storage is too large, or there are too many")
        return self.storages.setdefault(key, _Storage(dtype, elements))


def load(path: Path) -> Arrays:
    """The state dict at `path`, name to array. Raises ConfigError if the file isn't one, or wants code to be run."""

    def bad(why: object) -> NoReturn:
        raise ConfigError(f"isn't a file of PyTorch weights: {why}", file=path)

    try:
        with path.open("rb") as file:
            if _Unpickler(file).load() != MAGIC or _Unpickler(file).load() != PROTOCOL:
                bad("wrong magic number or protocol version")
            if not _Unpickler(file).load()["little_endian"]:
                bad("written on a big-endian machine")
            unpickler = _Unpickler(file)
            state = unpickler.load()
            for key in _Unpickler(file).load():
                storage = unpickler.storages[key]
                if int.from_bytes(file.read(8), "little") != storage.elements:
                    bad("a storage's size differs from its tensor's")
                storage.data = np.frombuffer(file.read(storage.elements * storage.dtype.itemsize), storage.dtype)
            return {name: tensor.array() for name, tensor in state.items()}
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror}", file=path) from None
    except ConfigError:
        raise
    except Exception as error:  # a crafted pickle can fail in any way
        bad(error)
