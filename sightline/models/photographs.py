"""Real photographs, made different each time by a seeded jitter: for calibrating and measuring, never for training.

The photographs are those that scikit-image carries in its wheel. The jitter is what a fixed camera's frames vary by:
position and distance (crop), mirror, light and contrast, focus (blur), and the quality of the JPEG.
"""

import io
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

FRAME = (450, 300)
"""Width and height of a jittered frame in pixels."""


class Photograph(NamedTuple):
    name: str
    pixels: Pixels
    """uint8 [h, w, 3] RGB."""
    labels: frozenset[str]
    """ImageNet's names for what is on it; empty where it shows none of the thousand classes."""


_LABELS = {
    "chelsea": {"tiger cat", "Egyptian cat", "tabby"},
    "coffee": {"espresso", "cup", "coffee mug"},
    "rocket": {"missile", "projectile"},
    "motorcycle_left": {"moped", "motor scooter"},
    "motorcycle_right": {"moped", "motor scooter"},
}


def labelled() -> list[Photograph]:
    """The five that show an ImageNet class. Needs scikit-image (extra `demo`)."""
    from skimage import data

    left, right, _ = data.stereo_motorcycle()
    pictures = {"chelsea": data.chelsea(), "coffee": data.coffee(), "rocket": data.rocket()}
    pictures |= {"motorcycle_left": left, "motorcycle_right": right}
    return [Photograph(name, pixels, frozenset(_LABELS[name])) for name, pixels in pictures.items()]


def unlabelled() -> list[Photograph]:
    """People, textures, paper, sky, tissue: what a camera also sees, and a calibration should cover."""
    from skimage import data

    names = (
        *("astronaut", "hubble_deep_field", "retina", "immunohistochemistry", "colorwheel"),
        *("camera", "coins", "brick", "grass", "gravel", "moon", "page", "text", "cell"),
    )
    return [Photograph(name, _rgb(getattr(data, name)()), frozenset()) for name in names]


def jittered(photographs: list[Photograph], count: int, seed: int) -> Iterator[tuple[Photograph, bytes]]:
    """`count` JPEGs, the photographs in turn; the same seed gives the same pixels."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        photograph = photographs[index % len(photographs)]
        yield photograph, _jitter(photograph.pixels, rng)


def _jitter(pixels: Pixels, rng: np.random.Generator) -> bytes:
    from PIL import Image, ImageEnhance, ImageFilter

    height, width = pixels.shape[:2]
    share = rng.uniform(0.75, 1.0) * min(width / FRAME[0], height / FRAME[1])
    w, h = FRAME[0] * share, FRAME[1] * share
    left, top = rng.uniform(0, width - w), rng.uniform(0, height - h)
    image = Image.fromarray(pixels).resize(FRAME, Image.Resampling.BICUBIC, box=(left, top, left + w, top + h))
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.7, 1.3))
    image = ImageEnhance.Contrast(image).enhance(rng.uniform(0.8, 1.2))
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.0, 1.0)))
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=int(rng.integers(60, 96)))
    return encoded.getvalue()


def _rgb(pixels: NDArray[np.uint8]) -> Pixels:
    return pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
