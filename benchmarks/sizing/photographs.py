"""The demo's photographs in the sizes that cameras have."""

from io import BytesIO

import numpy as np
from PIL import Image

from demo.photos import Photographer

SIZES = {"450x300": (450, 300), "1280x720": (1280, 720), "1920x1080": (1920, 1080)}
SEED, QUALITY, NOISE_LEVELS = 5, 80, 3


def take(size: tuple[int, int], count: int) -> list[bytes]:
    """JPEGs. An enlarged photograph is smooth: noise gives it back the bytes that a camera's would have."""
    photographer, rng = Photographer(SEED), np.random.default_rng(SEED)
    photos = [photographer.take(number).jpeg for number in range(count)]
    return photos if size == (450, 300) else [_enlarged(each, size, rng) for each in photos]


def _enlarged(jpeg: bytes, size: tuple[int, int], rng: np.random.Generator) -> bytes:
    picture = np.asarray(Image.open(BytesIO(jpeg)).resize(size, Image.Resampling.BICUBIC), dtype=np.int16)
    noise = (rng.standard_normal((size[1], size[0], 1), dtype=np.float32) * NOISE_LEVELS).astype(np.int16)
    out = BytesIO()
    Image.fromarray(np.clip(picture + noise, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
