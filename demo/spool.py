"""Photographs on disk, taken before the run, so that neither memory grows with its length nor its CPU goes to JPEG.

A spool is a folder with `photos` (the JPEGs, one after the other) and `index` (one record a photograph). One process
appends, any number read. A spool belongs to a seed and to the text of photos.py: the next run of both reuses it.

    python -m demo.spool --folder build/demo/photos --seed 7 --count 1200
"""

import argparse
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from itertools import count
from pathlib import Path
from struct import Struct

from demo import photos
from demo.photos import Photo, Photographer

BYTES_MAX = 1 << 30
_THREADS = 2
_BATCH = 64
_RECORD = Struct("<QIH")  # where the JPEG begins, its length, its subject


def folder_of(parent: Path, seed: int) -> Path:
    recipe = blake2b(Path(photos.__file__).read_bytes(), digest_size=4).hexdigest()
    return parent / f"{seed}-{recipe}"


class Spool:
    """Reads photographs by index."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._photos = (folder / "photos").open("a+b", buffering=0)
        self._index = (folder / "index").open("a+b", buffering=0)

    def __len__(self) -> int:
        return os.fstat(self._index.fileno()).st_size // _RECORD.size

    def __getitem__(self, index: int) -> Photo:
        raw = os.pread(self._index.fileno(), _RECORD.size, index * _RECORD.size)
        if len(raw) < _RECORD.size:
            raise IndexError(f"photograph {index} is not taken yet")
        start, length, subject = _RECORD.unpack(raw)
        return Photo(subject, os.pread(self._photos.fileno(), length, start))

    @property
    def bytes(self) -> int:
        return os.fstat(self._photos.fileno()).st_size

    def append(self, batch: list[Photo]) -> None:
        """The JPEGs first: whoever sees a record finds its bytes."""
        start, records = self.bytes, []
        for photo in batch:
            records.append(_RECORD.pack(start, len(photo.jpeg), photo.subject))
            start += len(photo.jpeg)
        self._photos.write(b"".join(photo.jpeg for photo in batch))
        self._index.write(b"".join(records))

    def close(self) -> None:
        self._photos.close()
        self._index.close()

    def repair(self) -> None:
        """Drop what a killed writer left half done: half a record (JPEGs without a record do no harm)."""
        self._index.truncate(len(self) * _RECORD.size)


def fill(spool: Spool, seed: int, wanted: int, per_second: float = 0) -> None:
    """Take photographs until there are `wanted`; then, if `per_second` is given, go on at that pace to BYTES_MAX."""
    spool.repair()
    photographer = Photographer(seed)
    with ThreadPoolExecutor(_THREADS) as pool:
        while len(spool) < wanted:
            have = len(spool)
            spool.append(list(pool.map(photographer.take, range(have, min(have + _BATCH, wanted)))))
    begin, have = time.monotonic(), len(spool)
    for ahead in count() if per_second else ():
        if spool.bytes > BYTES_MAX:
            return
        time.sleep(max(0.0, begin + ahead / per_second - time.monotonic()))
        spool.append([photographer.take(have + ahead)])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.spool", description="Take photographs in advance.")
    parser.add_argument("--folder", type=Path, required=True, help="where spools lie; those of other seeds are removed")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, required=True, help="photographs to have")
    parser.add_argument("--per-second", type=float, default=0, help="then go on at this pace; 0: end there")
    options = parser.parse_args()
    mine = folder_of(options.folder, options.seed)
    for other in options.folder.glob("*-*"):
        if other != mine:
            shutil.rmtree(other)
    os.nice(19)
    fill(Spool(mine), options.seed, options.count, options.per_second)


if __name__ == "__main__":
    main()
