"""The demo's photographs: scikit-image's own, taken anew each time as a street camera would, so that no two are equal.

Photograph `i` of a seed is always the same. From the part of the picture that the cameras look at, one takes

    subject     by the shares below: under half show what Bond leaves behind, the rest must not alert
    crop        3:2, 60 to 100 % of the largest that fits, anywhere: the subject may be cut off
    mirror      every second one
    roll        a badly mounted camera, standard deviation 3 degrees
    light       exposure -0.9 to +0.6 stops, gamma 0.8 to 1.25, white balance ±8 %
    blur        box, radius 0 to 1.6 pixels (out of focus); every fifth one 1.6 to 3 (rain on the lens)
    noise       sensor noise, standard deviation 1 to 7 grey levels
    size        450x300 pixels
    JPEG        quality 55 to 95, 4:2:0

All pictures are CC0 or in the public domain (docstrings of skimage.data).
"""

from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

WIDTH, HEIGHT = 450, 300
_CROP_SHARE = (0.60, 1.0)
_ROLL_DEGREES = 3.0
_STOPS = (-0.9, 0.6)
_GAMMA = (0.8, 1.25)
_WHITE_BALANCE = 0.08
_BLUR_PIXELS = (0.0, 1.6)
_RAIN_SHARE, _RAIN_PIXELS = 0.2, (1.6, 3.0)
_NOISE_LEVELS = (1.0, 7.0)
_QUALITY = (55, 95)

_SOURCE_PIXELS = 760  # larger pictures are scaled down first: a camera does not alias
_WHOLE = (0.0, 0.0, 1.0, 1.0)


class Subject(NamedTuple):
    """What a photograph shows; `part` is left, top, right, bottom as shares of the picture."""

    name: str
    file: str
    share: float
    bond: bool
    part: tuple[float, float, float, float] = _WHOLE


SUBJECTS = (
    Subject("rocket", "rocket.jpg", 0.15, True, (0.25, 0.2, 0.75, 1.0)),
    Subject("motorcycle", "motorcycle_left.png", 0.08, True),
    Subject("motorcycle from the right", "motorcycle_right.png", 0.07, True),
    Subject("cat", "chelsea.png", 0.15, True),
    # Made to be mistaken: the same garage without the motorcycle, and the model of a shuttle behind the astronaut.
    Subject("garage", "motorcycle_left.png", 0.04, False, (0.35, 0.0, 1.0, 0.3)),
    Subject("shuttle model", "astronaut.png", 0.04, False, (0.58, 0.0, 1.0, 0.5)),
    Subject("astronaut", "astronaut.png", 0.05, False),
    Subject("coffee", "coffee.png", 0.07, False),
    Subject("photographer", "camera.png", 0.05, False),
    Subject("galaxies", "hubble_deep_field.jpg", 0.05, False),
    Subject("moon", "moon.png", 0.03, False),
    Subject("bricks", "brick.png", 0.04, False),
    Subject("grass", "grass.png", 0.04, False),
    Subject("gravel", "gravel.png", 0.04, False),
    Subject("coins", "coins.png", 0.04, False),
    Subject("page", "page.png", 0.03, False),
    Subject("retina", "retina.jpg", 0.03, False),
)


class Photo(NamedTuple):
    """`subject` is an index into SUBJECTS: which photograph was taken, the model's truth."""

    subject: int
    jpeg: bytes


class Photographer:
    """Takes photograph after photograph; holds the sources decoded (14 MB) and nothing else."""

    def __init__(self, seed: int) -> None:
        import skimage.data

        folder = Path(skimage.data.__file__).parent
        self._seed = seed
        self._shares = np.array([subject.share for subject in SUBJECTS])
        self._shares /= self._shares.sum()
        self._sources = [_source(folder / subject.file, subject.part) for subject in SUBJECTS]

    def take(self, index: int) -> Photo:
        rng = np.random.default_rng((self._seed, index))
        subject = int(rng.choice(len(SUBJECTS), p=self._shares))
        return Photo(subject, self.take_of(subject, rng))

    def take_of(self, subject: int, rng: np.random.Generator) -> bytes:
        """One photograph of `subject` as JPEG."""
        picture = _frame(*self._sources[subject], rng)
        radius = rng.uniform(*(_RAIN_PIXELS if rng.random() < _RAIN_SHARE else _BLUR_PIXELS))
        picture = _noisy(_light(picture.filter(ImageFilter.BoxBlur(radius)), rng), rng)
        out = BytesIO()
        picture.save(out, "JPEG", quality=int(rng.integers(*_QUALITY)))
        return out.getvalue()


def _source(path: Path, part: tuple[float, float, float, float]) -> tuple[Image.Image, int]:
    """The part of a picture with a reflected margin, for where a rolled camera looks past the edge; and that margin."""
    picture = Image.open(path).convert("RGB")
    width, height = picture.size
    left, top, right, bottom = part
    picture = picture.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))
    picture.thumbnail((_SOURCE_PIXELS, _SOURCE_PIXELS))
    margin = round(0.15 * picture.width)
    padded = np.pad(np.asarray(picture), ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    return Image.fromarray(padded), margin


def _frame(picture: Image.Image, margin: int, rng: np.random.Generator) -> Image.Image:
    """Crop, mirror, roll, and scale to the camera's size."""
    width, height = picture.width - 2 * margin, picture.height - 2 * margin
    scale = min(width / WIDTH, height / HEIGHT) * rng.uniform(*_CROP_SHARE)
    centre_x = margin + WIDTH * scale / 2 + rng.uniform(0, width - WIDTH * scale)
    centre_y = margin + HEIGHT * scale / 2 + rng.uniform(0, height - HEIGHT * scale)
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    roll = np.radians(np.clip(rng.normal(0, _ROLL_DEGREES), -2 * _ROLL_DEGREES, 2 * _ROLL_DEGREES))
    cos, sin = float(np.cos(roll)) * scale, float(np.sin(roll)) * scale
    # Output pixel (x, y) is source pixel (a x + b y + c, d x + e y + f), the centre staying the centre.
    a, b, d, e = cos * mirror, -sin, sin * mirror, cos
    c = centre_x - a * WIDTH / 2 - b * HEIGHT / 2
    f = centre_y - d * WIDTH / 2 - e * HEIGHT / 2
    return picture.transform((WIDTH, HEIGHT), Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BILINEAR)


def _light(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Exposure, white balance and gamma, as one table a channel."""
    gamma, gain = rng.uniform(*_GAMMA), 2.0 ** rng.uniform(*_STOPS)
    balance = rng.uniform(1 - _WHITE_BALANCE, 1 + _WHITE_BALANCE, (3, 1))
    levels = np.arange(256) / 255
    return picture.point((255 * np.clip(levels * gain * balance, 0, 1) ** gamma).astype(np.uint8).ravel().tolist())


def _noisy(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Sensor noise, the same in the three channels (most of what a small sensor shows is noise of brightness)."""
    noise = rng.standard_normal((HEIGHT, WIDTH, 1), dtype=np.float32) * np.float32(rng.uniform(*_NOISE_LEVELS))
    pixels = np.asarray(picture, dtype=np.int16) + noise.astype(np.int16)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
