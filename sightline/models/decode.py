"""Encoded images of strangers to the network's input: JPEG, PNG or WebP bytes to uint8 [s, s, 3] RGB.

    bytes -> size claimed in the header, within pixels_max? -> decode -> centre crop -> resize -> turned as EXIF says

JPEG goes through libjpeg-turbo at the smallest scale, in eighths, whose crop still covers the input: most of a large
photograph's coefficients are then never turned into pixels. The rest goes through Pillow. Of an animation the first
frame counts; transparency is laid on white; 16 bits a channel become 8.

What is wrong with an image is data, not an exception: one bad image must not cost its batch.
"""

import io
import re
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sightline.models import image_size
from sightline.models.orientation import turned

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = NDArray[np.uint8]

CROP = 0.875
"""Share of the shorter side that is kept, in the centre: what ImageNet networks are evaluated with (224 of 256)."""

PIXELS_MAX = 34_000_000
"""One frame of an 8K camera has 33.2 million."""

JPEG_SCANS_MAX = 100
"""A progressive JPEG has about 10. Each one costs a pass over all coefficients, so a small file can ask for hours."""

JPEG_PADDING_BYTES_MAX = 16


class ImageFault(StrEnum):
    NOT_AN_IMAGE = "not_an_image"
    TRUNCATED_IMAGE = "truncated_image"
    IMAGE_TOO_LARGE = "image_too_large"


class BadImage(NamedTuple):
    """An image that can't be scored, and why, in words for a person."""

    fault: ImageFault
    detail: str


def decode(data: bytes, size: int, pixels_max: int = PIXELS_MAX) -> Pixels | BadImage:
    """`data` as RGB [size, size, 3], or what is wrong with it. Safe to call from many threads; releases the GIL."""
    if data[:3] == b"\xff\xd8\xff":
        return _jpeg(data, size, pixels_max)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _pillow(data, size, pixels_max, "PNG", image_size.png(data))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        if len(data) < 8 + int.from_bytes(data[4:8], "little"):
            return BadImage(ImageFault.TRUNCATED_IMAGE, "the WebP data ends early")
        return _pillow(data, size, pixels_max, "WEBP", image_size.webp(data))
    if len(data) < 12:
        return BadImage(ImageFault.NOT_AN_IMAGE, f"{len(data)} bytes are no image")
    return BadImage(ImageFault.NOT_AN_IMAGE, f"neither JPEG, PNG nor WebP: begins with {data[:8]!r}")


def _jpeg(data: bytes, size: int, pixels_max: int) -> Pixels | BadImage:
    import simplejpeg

    if data.count(b"\xff\xda") > JPEG_SCANS_MAX:
        return BadImage(ImageFault.IMAGE_TOO_LARGE, f"a JPEG of more than {JPEG_SCANS_MAX} scans")
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data, strict=False)
    except Exception:  # cut in its header, or colours or subsampling that only Pillow decodes (KeyError, ValueError)
        return _pillow(data, size, pixels_max, "JPEG", image_size.UNKNOWN)
    if width * height > pixels_max:
        return _too_large(width, height, pixels_max)
    if colours not in ("YCbCr", "Gray", "RGB"):
        return _pillow(data, size, pixels_max, "JPEG", image_size.Size(width, height))
    covering = -int(-size // CROP)
    least = covering if covering < min(width, height) else 0  # 0: full size
    try:
        try:
            pixels = simplejpeg.decode_jpeg(data, min_height=least, min_width=least)
        except ValueError as error:
            if not _is_padding(error):
                return _undecodable(data, error)
            pixels = simplejpeg.decode_jpeg(data, min_height=least, min_width=least, strict=False)
    except Exception as error:
        return _undecodable(data, error)
    return turned(_resized(pixels, size), data)


def _is_padding(error: ValueError) -> bool:
    """Whether libjpeg warns of just a few extra bytes at the end, as cameras write; many are a sign of damage."""
    match = re.search(r"(\d+) extraneous bytes before marker 0xd9", str(error))
    return match is not None and int(match[1]) <= JPEG_PADDING_BYTES_MAX


def _pillow(data: bytes, size: int, pixels_max: int, kind: str, claimed: image_size.Size) -> Pixels | BadImage:
    from PIL import Image

    if claimed.pixels > pixels_max:
        return _too_large(claimed.width, claimed.height, pixels_max)
    try:
        image = Image.open(io.BytesIO(data), formats=[kind])
        if image.width * image.height > pixels_max:  # a second header that contradicts the first
            return _too_large(image.width, image.height, pixels_max)
        image.draft("RGB", (-int(-size // CROP),) * 2)
        pixels = np.asarray(_rgb(image))
    except Exception as error:  # Pillow's decoders raise many kinds on hostile bytes
        return _undecodable(data, error)
    return turned(_resized(pixels, size), data)


def _rgb(image: "Image") -> "Image":
    from PIL import Image

    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _resized(pixels: Pixels, size: int) -> Pixels:
    from PIL import Image

    height, width = pixels.shape[:2]
    side = max(1, round(min(height, width) * CROP))
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(pixels[top : top + side, left : left + side])
    return np.asarray(square.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2))


def _too_large(width: int, height: int, pixels_max: int) -> BadImage:
    return BadImage(ImageFault.IMAGE_TOO_LARGE, f"{width} x {height} pixels; the limit is {pixels_max} in all")


def _undecodable(data: bytes, error: Exception) -> BadImage:
    text = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    png_end_missing = data[:4] == b"\x89PNG" and b"IEND" not in data[-1024:]
    jpeg_without_scan = data[:2] == b"\xff\xd8" and b"\xff\xda" not in data
    cut = "premature end" in text.lower() or "truncated" in text.lower() or png_end_missing or jpeg_without_scan
    return BadImage(ImageFault.TRUNCATED_IMAGE if cut else ImageFault.NOT_AN_IMAGE, text)
