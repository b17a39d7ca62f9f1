"""A directory of models, laid out as TensorFlow Serving does: `<root>/<model>/<version>/`, versions being numbers.

A reference is `name` (the newest version), `name@3` (that version) or `name:stable` (what the label stands for in
`<root>/<model>/version-labels.json`, an object of label to number).
"""

import re
from pathlib import Path
from typing import NamedTuple

import msgspec

from sightline.errors import ConfigError
from sightline.models.names import did_you_mean

VERSION_LABELS_FILE = "version-labels.json"
MODELS_MAX = 1000

_REFERENCE = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(?:@(?P<version>[0-9]{1,9})|:(?P<label>[\w.-]+))?", re.ASCII)


class Reference(NamedTuple):
    """What a user writes to mean a model; neither version nor label: the newest."""

    name: str
    version: int | None = None
    label: str | None = None


class ModelVersion(NamedTuple):
    name: str
    version: int
    directory: Path


def parse(reference: str) -> Reference:
    """`name`, `name@3` or `name:stable`. Raises ConfigError on anything else."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise ConfigError(f"{reference!r} is no reference to a model: name, name@3 or name:label", key="model")
    version = match["version"]
    return Reference(match["name"], int(version) if version is not None else None, match["label"])


def models(root: Path) -> dict[str, list[int]]:
    """Each model and its versions, oldest first. Raises ConfigError where `root` is missing or holds no model."""
    try:
        folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror}", file=root) from None
    if len(folders) > MODELS_MAX:
        raise ConfigError(f"holds more than {MODELS_MAX} directories", file=root)
    found = {folder.name: versions for folder in folders if (versions := _versions(folder))}
    if not found:
        raise ConfigError("holds no model: <model>/<version>/, the version a number", file=root)
    return found


def resolve(root: Path, reference: str) -> ModelVersion:
    """The version directory that `reference` means. Raises ConfigError naming what there is instead."""
    name, version, label = parse(reference)
    known = models(root)
    if name not in known:
        raise ConfigError(f"no model {name!r} in {root}{did_you_mean(name, known)}", key="model")
    if label is not None:
        version = _labelled(root / name, label)
    if version is None:
        version = known[name][-1]
    elif version not in known[name]:
        there = ", ".join(map(str, known[name]))
        raise ConfigError(f"no version {version} of model {name!r} in {root}; there is {there}", key="model")
    return ModelVersion(name, version, root / name / str(version))


def _versions(folder: Path) -> list[int]:
    # "01" would stand for the same number as "1"; TensorFlow Serving ignores it too.
    names = (path.name for path in folder.iterdir() if path.is_dir())
    return sorted(int(name) for name in names if re.fullmatch(r"0|[1-9][0-9]{0,8}", name))


def _labelled(folder: Path, label: str) -> int:
    file = folder / VERSION_LABELS_FILE
    try:
        labels = msgspec.json.decode(file.read_bytes(), type=dict[str, int])
    except FileNotFoundError:
        labels = {}
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"isn't an object of label to version: {error}", file=file) from None
    if label not in labels:
        raise ConfigError(f"no label {label!r} of model {folder.name!r}{did_you_mean(label, labels)}", file=file)
    return labels[label]
