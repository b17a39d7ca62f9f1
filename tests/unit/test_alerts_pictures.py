"""Thumbnails: small whatever comes in, and never a crash."""

import io

import pytest
from PIL import Image

from services.alerting import pictures
from services.alerting.pictures import PICTURE_BYTES_MAX, GoneError, thumbnail


def encoded(size: tuple[int, int], kind: str = "JPEG", mode: str = "RGB", **options: object) -> bytes:
    """Noise, which compresses worst."""
    out = io.BytesIO()
    Image.effect_noise(size, 120).convert(mode).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    "image",
    [
        encoded((4_000, 3_000)),
        encoded((640, 480), "PNG", "RGBA"),
        encoded((640, 480), "PNG", "P"),
        encoded((640, 480), "PNG", "I;16"),
        encoded((640, 480), "WEBP"),
        encoded((640, 480), "JPEG", "CMYK"),
        encoded((1, 1)),
        encoded((3_000, 2)),
    ],
)
def test_any_picture_becomes_a_small_jpeg(image: bytes) -> None:
    small = thumbnail(image)
    assert len(small) <= PICTURE_BYTES_MAX
    assert Image.open(io.BytesIO(small)).format == "JPEG"


def test_upright_and_without_metadata() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010F] = "a camera's maker"
    small = Image.open(io.BytesIO(thumbnail(encoded((400, 200), exif=exif))))
    assert small.height > small.width
    assert not small.getexif()


@pytest.mark.parametrize("image", [b"", b"not an image", encoded((640, 480))[:2_000], encoded((64, 48), "GIF")])
def test_what_is_no_picture(image: bytes) -> None:
    with pytest.raises(GoneError, match="not a picture"):
        thumbnail(image)


def test_a_decompression_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pictures.PIXELS_MAX)
    out = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(out, "PNG")
    with pytest.raises(GoneError, match="decompression bomb"):
        thumbnail(out.getvalue())
