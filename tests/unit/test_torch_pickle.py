"""A file of weights must not run code; what it holds must come out as it went in."""

import io
import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline.errors import ConfigError
from sightline.models import torch_pickle
from sightline.models.torch_pickle import MAGIC, PROTOCOL

HEAD = pickle.dumps(MAGIC, 2) + pickle.dumps(PROTOCOL, 2) + pickle.dumps({"little_endian": True}, 2)


class Global:
    """Pickles as a reference to a name that need not exist here."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Call:
    def __init__(self, function: Global, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments


class Storage:
    def __init__(self, pid: tuple[Any, ...]) -> None:
        self.pid = pid


class Writer(pickle._Pickler):  # type: ignore
    """Writes what torch.save writes, and what an attacker would."""

    def persistent_id(self, value: Any) -> Any:
        return value.pid if isinstance(value, Storage) else None

    write: Any

    def save(self, value: Any, save_persistent_id: bool = True) -> None:
        if isinstance(value, Global):
            self.write(b"c" + f"{value.module}\n{value.name}\n".encode())
        elif isinstance(value, Call):
            self.save(value.function)
            self.save(value.arguments)
            self.write(b"R")
        else:
            super().save(value, save_persistent_id)  # type: ignore[misc]


def dumps(value: Any) -> bytes:
    out = io.BytesIO()
    Writer(out, 2).dump(value)
    return out.getvalue()


def tensor(shape: tuple[int, ...], strides: tuple[int, ...], elements: int, offset: int = 0) -> Call:
    storage = Storage(("storage", Global("torch", "FloatStorage"), "0", "cpu", elements, None))
    hooks = Call(Global("collections", "OrderedDict"))
    rebuild = Global("torch._utils", "_rebuild_tensor_v2")
    return Call(rebuild, storage, offset, shape, strides, False, hooks)


def written(folder: Path, state: Any, values: np.ndarray[Any, Any], count: int | None = None) -> Path:
    file = folder / "weights.pth"
    stored = struct.pack("<q", values.size if count is None else count) + values.astype("<f4").tobytes()
    file.write_bytes(HEAD + dumps(state) + pickle.dumps(["0"], 2) + stored)
    return file


def test_strides_and_offset(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.float32)
    file = written(tmp_path, OrderedDict(a=tensor((2, 3), (1, 4), 24, 2)), values)
    assert torch_pickle.load(file)["a"].tolist() == [[2, 6, 10], [3, 7, 11]]


@pytest.mark.parametrize(
    "call",
    [
        Call(Global("os", "system"), "touch owned"),
        Call(Global("builtins", "eval"), "__import__('os').mkdir('owned')"),
        Call(Global("torch.storage", "_load_from_bytes"), b""),
        Call(Global("numpy", "memmap"), "owned"),
        Call(Global("collections", "OrderedDict.__class__"), ""),
    ],
)
def test_refuses_to_call_anything_else(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = written(tmp_path, OrderedDict(a=call), np.zeros(1))
    with pytest.raises(ConfigError, match="refused") as error:
        torch_pickle.load(file)
    assert error.value.file == file
    assert [path.name for path in tmp_path.iterdir()] == ["weights.pth"]


@pytest.mark.parametrize(
    ("evil", "count"),
    [
        (tensor((25,), (1,), 24), None),
        (tensor((4,), (8,), 24), None),
        (tensor((24,), (-1,), 24, 23), None),
        (tensor((1,), (1,), 24, -1), None),
        (tensor((10**6, 10**6), (0, 0), 24), None),
        (tensor((1,), (1,), 10**12), None),
        (tensor((1,), (1,), 24), 10**12),
        (tensor((-1,), (1,), 24), None),
        (Call(Global("torch", "FloatStorage")), None),
        (3, None),
    ],
)
def test_refuses_tensors_outside_of_their_storage(evil: Any, count: int | None, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="isn't a file of PyTorch weights"):
        torch_pickle.load(written(tmp_path, OrderedDict(a=evil), np.arange(24), count))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", pickle.dumps(1), HEAD, HEAD[:-1] + b"."])
def test_refuses_other_files(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(data)
    with pytest.raises(ConfigError, match="isn't a file of PyTorch weights"):
        torch_pickle.load(file)


def test_names_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        torch_pickle.load(tmp_path / "weights.pth")
