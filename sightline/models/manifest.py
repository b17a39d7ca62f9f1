"""model.json: what a version directory holds, how it was made, and how far its two engines differ."""

from pathlib import Path

import msgspec

from sightline.errors import ConfigError

MANIFEST_FILE = "model.json"


class Preprocessing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From an encoded image to the network's input, in this order."""

    crop: float
    """Share of the shorter side that is kept, in the centre."""
    resize: str
    mean: float
    """Subtracted from each uint8 channel value; already part of the exported models."""
    scale: float
    """Divides what is left."""
    colours: str = "RGB"


class Agreement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The int8 model against the float32 one, over jittered photographs that took no part in the calibration."""

    photographs: int
    top1: float
    """Share of photographs with the same best class."""
    cosine_mean: float
    score_difference_p50: float
    """Of the float32 model's best class."""
    score_difference_p95: float
    differ_at_threshold: dict[str, float]
    """Share of photographs on which `label = … AND score >= threshold` decides differently."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    version: int
    input_size: int
    preprocessing: Preprocessing
    source: str
    source_sha256: str
    licence: str
    recipe: str
    """Changes when anything does that the files depend on."""
    agreement: Agreement
    files: dict[str, str]
    """SHA-256 of each file beside this one, by path relative to it."""
    signatures: dict[str, list[int]] = {}
    """What both engines can be asked for, and the shape of its output for one image; `featurize` has the length of the
    feature vector. Empty in a directory made by an exporter that had no signatures."""


def read(folder: Path) -> Manifest | None:
    """The manifest in `folder`; None where there is none. Raises ConfigError where it can't be understood."""
    file = folder / MANIFEST_FILE
    try:
        return msgspec.json.decode(file.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror}", file=file) from None
    except msgspec.DecodeError as error:
        raise ConfigError(f"isn't a model's manifest: {error}", file=file) from None


def write(folder: Path, manifest: Manifest) -> None:
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / MANIFEST_FILE).write_bytes(text + b"\n")
