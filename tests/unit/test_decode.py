"""Images of strangers: what decodes, what is refused and how cheaply. Pillow is the independent decoder."""

import io
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from sightline.models.decode import CROP, BadImage, ImageFault, Pixels, decode

SIZE = 160


def picture(width: int = 450, height: int = 300, mode: str = "RGB") -> Image.Image:
    """Smooth, colourful and different in each corner."""
    y, x = np.ogrid[0:height, 0:width]
    channels = np.broadcast_arrays(x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height))
    return Image.fromarray(np.stack(channels, axis=2).astype(np.uint8)).convert(mode, dither=Image.Dither.NONE)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def expected(image: Image.Image, size: int = SIZE) -> Pixels:
    """By Pillow alone, from the whole image, with its own fractional crop."""
    width, height = image.size
    side = min(width, height) * CROP
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR, box=box))


def far(a: Pixels, b: Pixels) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def decoded(data: bytes, size: int = SIZE) -> Pixels:
    pixels = decode(data, size)
    assert not isinstance(pixels, BadImage), pixels
    assert pixels.shape == (size, size, 3) and pixels.dtype == np.uint8
    return pixels


def refused(data: bytes) -> BadImage:
    answer = decode(data, SIZE)
    assert isinstance(answer, BadImage)
    return answer


BASELINE = ("JPEG", {"quality": 92})
PROGRESSIVE = ("JPEG", {"quality": 92, "progressive": True, "subsampling": 0})


@pytest.mark.parametrize("size", [128, 160, 224])
@pytest.mark.parametrize("shape", [(450, 300), (300, 451), (1280, 853), (97, 60), (1, 1), (3000, 2)])
@pytest.mark.parametrize(("kind", "options"), [BASELINE, PROGRESSIVE, ("PNG", {"compress_level": 1})])
def test_equals_pillow(kind: str, options: dict[str, object], shape: tuple[int, int], size: int) -> None:
    data = encoded(picture(*shape), kind, **options)
    assert far(decoded(data, size), expected(Image.open(io.BytesIO(data)), size)) < 3


def test_a_large_photograph_equals_pillow() -> None:
    image = picture(2400, 1800)
    assert far(decoded(encoded(image, "JPEG", quality=92)), expected(image)) < 3


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 90}])
def test_webp_equals_pillow(options: dict[str, object]) -> None:
    assert far(decoded(encoded(picture(), "WEBP", **options)), expected(picture())) < 3


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "L"), ("PNG", "1"), ("PNG", "P"), ("PNG", "LA"), ("PNG", "RGBA")],
)
def test_colour_modes(kind: str, mode: str) -> None:
    image = picture(mode=mode)
    assert far(decoded(encoded(image, kind)), expected(image)) < 4


def test_sixteen_bits_become_eight() -> None:
    grey = np.asarray(picture(mode="L"))
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    assert far(decoded(encoded(deep, "PNG")), expected(picture(mode="L"))) < 1


def test_transparent_is_white() -> None:
    clear = Image.new("RGBA", (300, 300), (255, 0, 0, 0))
    for data in (encoded(clear, "PNG"), encoded(clear, "WEBP")):
        assert decoded(data).min() >= 254
    palette = Image.new("P", (300, 300))
    assert decoded(encoded(palette, "PNG", transparency=0)).min() == 255


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_the_first_frame_counts(kind: str) -> None:
    frames = [Image.new("RGB", (200, 200), colour) for colour in ("red", "blue")]
    pixels = decoded(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert pixels[..., 0].min() > 240 and pixels[..., 2].max() < 15


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation(kind: str, orientation: int) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(picture(), kind, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert far(decoded(data), expected(upright)) < 4


def test_damaged_exif_costs_nothing_but_the_orientation() -> None:
    data = encoded(picture(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert far(decoded(data), expected(picture())) < 4


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"hello", b"<svg/>" * 9, b"GIF89a" + bytes(50), bytes(1000)])
def test_not_an_image(data: bytes) -> None:
    assert refused(data).fault in (ImageFault.NOT_AN_IMAGE, ImageFault.TRUNCATED_IMAGE)
    if data[:2] != b"\xff\xd8":
        assert refused(data).fault is ImageFault.NOT_AN_IMAGE


@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {}), ("WEBP", {"lossless": True})],
)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
def test_truncated(kind: str, options: dict[str, object], share: float) -> None:
    noise = np.random.default_rng(5).integers(0, 255, (200, 300, 3), np.uint8)
    data = encoded(Image.fromarray(noise), kind, **options)
    assert refused(data[: int(len(data) * share)]).fault is ImageFault.TRUNCATED_IMAGE


def test_truncated_by_two_bytes() -> None:
    assert refused(encoded(picture(), "JPEG")[:-2]).fault is ImageFault.TRUNCATED_IMAGE


def test_padding_that_cameras_write_is_no_fault() -> None:
    data = encoded(picture(), "JPEG")
    assert far(decoded(data[:-2] + bytes(4) + data[-2:]), expected(picture())) < 4
    assert far(decoded(data + bytes(100)), expected(picture())) < 4


@pytest.mark.parametrize("seed", range(40))
def test_damage_never_raises(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = bytearray(encoded(picture(60, 40), ("JPEG", "PNG", "WEBP")[seed % 3]))
    for at in rng.integers(3, len(data), 8):
        data[at] = rng.integers(256)
    answer = decode(bytes(data), SIZE)
    assert isinstance(answer, BadImage) or answer.shape == (SIZE, SIZE, 3)


def png_bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1 << 20))) + chunk(b"IEND", b"")


def jpeg_bomb() -> bytes:
    data = bytearray(encoded(picture(16, 16), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65_500, 65_500)
    return bytes(data)


def webp_bomb() -> bytes:
    chunk = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + (16_382).to_bytes(3, "little") * 2
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


BOMBS = {
    "png": png_bomb(50_000, 50_000),
    "png with two headers": png_bomb(10, 10)[:33] + png_bomb(50_000, 50_000)[8:],
    "jpeg": jpeg_bomb(),
    "webp": webp_bomb(),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_nothing(name: str) -> None:
    refused(BOMBS[name])  # imports
    tracemalloc.start()
    started_s = time.thread_time()
    answer = refused(BOMBS[name])
    cpu_s, (_, peak) = time.thread_time() - started_s, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert cpu_s < 2 and peak < 1 << 20, "2.5 billion pixels take far more than that"
    assert answer.fault is ImageFault.IMAGE_TOO_LARGE or "two" in name


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    data = encoded(picture(64, 64), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    assert refused(data[:-2] + scan * 200 + data[-2:]).fault is ImageFault.IMAGE_TOO_LARGE


def test_the_limit_is_the_callers() -> None:
    data = encoded(picture(100, 100), "JPEG")
    assert not isinstance(decode(data, SIZE, pixels_max=10_000), BadImage)
    answer = decode(data, SIZE, pixels_max=9_999)
    assert isinstance(answer, BadImage) and "100 x 100" in answer.detail
