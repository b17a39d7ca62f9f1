"""What an image weighs in a registry and on the wire: its layers, compressed as its clients do (gzip, level 6)."""

import json
import tarfile
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from tools.images.builds import save
from tools.images.engines import Engine
from tools.images.targets import ROOT, image_name

KNOWN = ROOT / "build/images/layers.json"
"""Compressed bytes of each layer that was weighed; a layer's digest stands for its content."""
READ_BYTES = 1 << 20


def compressed_bytes(target: str, tag: str, engine: Engine) -> int:
    """Of all layers. Writes an archive for a moment where a layer was never weighed. Raises ImagesError."""
    digests = engine.layers(image_name(target, tag))
    known: dict[str, int] = json.loads(KNOWN.read_text()) if KNOWN.exists() else {}
    if not known.keys() >= set(digests):
        KNOWN.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KNOWN.parent) as directory:
            archive = Path(directory) / "image.tar"
            save(target, tag, archive, engine)
            known |= weigh(archive, digests, known)
        KNOWN.write_text(json.dumps(known, indent=1))
    return sum(known[each] for each in digests)


def weigh(archive: Path, digests: Sequence[str], known: dict[str, int]) -> dict[str, int]:
    """Compressed bytes of the archive's layers that aren't known; `digests` are its layers', in order."""
    found = {}
    with tarfile.open(archive) as files:
        manifest = files.extractfile("manifest.json")
        assert manifest is not None
        for digest, name in zip(digests, json.load(manifest)[0]["Layers"], strict=True):
            layer = files.extractfile(name)
            if digest not in known and layer is not None:
                found[digest] = _gzipped_bytes(layer)
    return found


def _gzipped_bytes(layer: IO[bytes]) -> int:
    """As it is where it's compressed already."""
    count, pack = 0, zlib.compressobj(6, zlib.DEFLATED, 31)
    compressed = layer.read(2) == b"\x1f\x8b"
    layer.seek(0)
    while chunk := layer.read(READ_BYTES):
        count += len(chunk) if compressed else len(pack.compress(chunk))
    return count if compressed else count + len(pack.flush())
