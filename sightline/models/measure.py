"""Speed and accuracy of a network at each input size on this machine: the table in README.md beside this file."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sightline.models import labels, photographs
from sightline.models.agreement import agreement
from sightline.models.decode import BadImage, decode
from sightline.models.engines import load
from sightline.models.manifest import Agreement

SEED = 3
ROUNDS = 25
FRAMES_A_ROUND = 8
LABELS_SHOWN_MAX = 5


class Frame(NamedTuple):
    encoded: bytes
    right: frozenset[str]
    """The labels that are right."""


class Accuracy(NamedTuple):
    """Top-1 is the share of frames whose best class is a right one."""

    top1_int8: float
    top1_float32: float
    top1_by_label: dict[str, float]
    """Int8, by what is on the photograph."""
    engines: Agreement


class Speed(NamedTuple):
    """Milliseconds an image, lower quartile: other work on the machine only ever adds."""

    decode_ms: float
    litert_1_thread_ms: float
    litert_2_threads_ms: float
    tensorflow_2_threads_ms: float


def jittered_frames(count: int) -> list[Frame]:
    """scikit-image's five labelled photographs in turn."""
    pairs = photographs.jittered(photographs.labelled(), count, SEED)
    return [Frame(encoded, photograph.labels) for photograph, encoded in pairs]


def frames_in(folder: Path) -> list[Frame]:
    """Photographs of the user's, their ImageNet class index at the end of the name: `anything_243.jpg`."""
    names = labels.imagenet()
    files = [(path, path.stem.rpartition("_")[2]) for path in sorted(folder.iterdir())]
    return [Frame(path.read_bytes(), frozenset({names[int(end)]})) for path, end in files if end.isdigit()]


def accuracy(directory: Path, frames: list[Frame]) -> Accuracy:
    """Both engines of a version directory over `frames`."""
    int8, float32 = load(directory, "litert", 2), load(directory, "tensorflow", 2)
    images = np.stack([_pixels(frame.encoded, int8.input_size) for frame in frames])
    scores = int8.predict(images)
    expected = np.concatenate([float32.predict(images[i : i + 20]) for i in range(0, len(images), 20)])
    hits = [int8.labels[best] in frame.right for best, frame in zip(scores.argmax(axis=1), frames, strict=True)]
    by_label: dict[str, list[bool]] = {}
    for frame, hit in zip(frames, hits, strict=True):
        by_label.setdefault("/".join(sorted(frame.right)), []).append(hit)
    return Accuracy(
        top1_int8=statistics.fmean(hits),
        top1_float32=statistics.fmean(
            int8.labels[best] in frame.right for best, frame in zip(expected.argmax(axis=1), frames, strict=True)
        ),
        top1_by_label={label: statistics.fmean(those) for label, those in by_label.items()},
        engines=agreement(expected, scores),
    )


def speeds(directories: list[Path], frames: list[Frame]) -> list[Speed]:
    """Each directory's speed. Rounds visit everything in turn, so that a noisy neighbour hits all alike."""
    tasks = [task for directory in directories for task in _tasks(directory, [frame.encoded for frame in frames])]
    seconds: list[list[float]] = [[] for _ in tasks]
    for _ in range(ROUNDS):
        for index, task in enumerate(tasks):
            task(0)  # the pool of the task before may still be spinning; this one's caches are cold
            for turn in range(FRAMES_A_ROUND):
                started = time.perf_counter()
                task(turn)
                seconds[index].append(time.perf_counter() - started)
    quartiles = [statistics.quantiles(those, n=4)[0] * 1000 for those in seconds]
    width = len(Speed._fields)
    return [Speed(*quartiles[i : i + width]) for i in range(0, len(quartiles), width)]


def markdown(sizes: list[int], measured: list[Accuracy], timed: list[Speed]) -> str:
    """The table, a line a size. Top-1 by label only where there are few of them."""
    labels_shown = list(measured[0].top1_by_label) if len(measured[0].top1_by_label) <= LABELS_SHOWN_MAX else []
    head = ["input", "top-1 int8", *labels_shown, "top-1 float32", "engines agree", "differ at 0.5"]
    head += ["decode ms", "LiteRT ms, 1 thread", "2 threads", "TensorFlow ms, 2 threads"]
    lines = [head, ["---"] * len(head)]
    for size, right, fast in zip(sizes, measured, timed, strict=True):
        shares = [right.top1_int8, *(right.top1_by_label[label] for label in labels_shown), right.top1_float32]
        shares += [right.engines.top1, right.engines.differ_at_threshold["0.5"]]
        lines.append([f"{size} x {size}", *(f"{share:.1%}" for share in shares), *(f"{ms:.2f}" for ms in fast)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _tasks(directory: Path, encoded: list[bytes]) -> list[Callable[[int], object]]:
    """In the order of Speed's fields; each runs one image, chosen by the turn."""
    one, two, reference = (load(directory, "litert", 1), load(directory, "litert", 2), load(directory, "tensorflow", 2))
    size = one.input_size
    images = [_pixels(data, size)[None] for data in encoded[:FRAMES_A_ROUND]]

    def task(predict: Callable[[NDArray[np.uint8]], object]) -> Callable[[int], object]:
        return lambda turn: predict(images[turn % len(images)])

    for engine in (one, two, reference):
        engine.warm_up()
    return [
        lambda turn: decode(encoded[turn % len(encoded)], size),
        task(one.predict),
        task(two.predict),
        task(reference.predict),
    ]


def _pixels(encoded: bytes, size: int) -> NDArray[np.uint8]:
    pixels = decode(encoded, size)
    if isinstance(pixels, BadImage):
        raise ValueError(f"a photograph can't be decoded: {pixels.detail}")
    return pixels
