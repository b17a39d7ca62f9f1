"""The photographs that are streamed, and what the alerts must then say: worked out here, by the very model."""

import io
import itertools
import math
import tarfile
from collections.abc import Iterable
from pathlib import Path

from demo.places import CAMERAS
from demo.replay import Sent
from demo.scorer import Scorer
from demo.spool import Spool, fill, folder_of
from demo.truth import Sighting, expected

PHOTOS = 300
SEED = 11
ROOT = Path(__file__).resolve().parents[3]
MODELS = ROOT / "build" / "models"


class Photographs:
    """PHOTOS photographs, of which event after event takes the next one, round and round."""

    def __init__(self) -> None:
        self.folder = folder_of(ROOT / "build" / "e2e-photos", SEED)
        self._spool = Spool(self.folder)
        fill(self._spool, SEED, PHOTOS)
        photos = [self._spool[number].jpeg for number in range(PHOTOS)]
        self.file = b"".join(photos)
        ends = [0]
        for photo in photos:
            ends.append(ends[-1] + len(photo))
        self.spans = [(start, end - start) for start, end in itertools.pairwise(ends)]
        self.score = Scorer(MODELS / "efficientnet-lite0", "litert", self._spool).score

    def close(self) -> None:
        self._spool.close()

    def plan(self) -> list[tuple[str, str, int, int]]:
        """Camera, its location, and the photograph's span in `file`, of each event until they repeat."""
        events = map(event_of, range(math.lcm(PHOTOS, len(CAMERAS))))
        return [(event.camera, event.location_id, *self.spans[event.photo]) for event in events]

    def expected(self, numbers: Iterable[int]) -> dict[str, Sighting]:
        """Of the events with these numbers, those that must alert and what the alert must say."""
        return expected(map(event_of, numbers), self.score)


def event_of(number: int) -> Sent:
    """Cameras take turns in a fixed order that meets every one of them (7 and their number have no common factor)."""
    camera = CAMERAS[number * 7 % len(CAMERAS)]
    return Sent(f"{camera.name}-{number}", 0, camera.name, camera.location_id, number % PHOTOS)


def archive(files: dict[str, bytes]) -> bytes:
    """A tar of them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def archive_of(folder: Path) -> bytes:
    """A compressed tar of what is in it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as tar:
        tar.add(folder.resolve(), arcname=".")
    return out.getvalue()
