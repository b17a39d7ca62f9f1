"""What both engines check before they trust a version directory."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from sightline.errors import ConfigError
from sightline.models import labels, manifest


def check_files(directory: Path, names: tuple[str, ...]) -> None:
    """Compare files with their checksums in the directory's manifest; a directory without a manifest passes."""
    made = manifest.read(directory)
    if made is None:
        return
    for name, expected in made.files.items():
        if not name.startswith(names):
            continue
        file = directory / name
        try:
            with file.open("rb") as opened:
                actual = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            raise ConfigError(f"can't be read: {error.strerror}", file=file) from None
        if actual != expected:
            raise ConfigError(f"is damaged: its checksum differs from {manifest.MANIFEST_FILE}'s", file=file)


def check_shapes(
    directory: Path, file: Path, images: Sequence[int | None], scores: Sequence[int | None]
) -> tuple[int, list[str]]:
    """The input size and the labels, from the model's shapes: [n, s, s, 3] in, [n, classes] out."""
    size = images[1] if len(images) == 4 else None
    if size is None or list(images[2:]) != [size, 3]:
        raise ConfigError(f"takes {list(images)}; needed is uint8 [n, size, size, 3]", file=file)
    names = labels.read(directory)
    if list(scores[1:]) != [len(names)]:
        raise ConfigError(f"returns {list(scores)}, but {labels.LABELS_FILE} has {len(names)} labels", file=file)
    return size, names
