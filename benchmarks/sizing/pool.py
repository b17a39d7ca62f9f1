"""One featurizer process as a pod of a pool runs it: what it takes to start, and what it does with photographs."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import numpy as np
from numpy.typing import NDArray

from benchmarks.sizing.callers import MESSAGE_BYTES_MAX, MODEL, Answers, Callers, Load, answers
from benchmarks.sizing.spent import cpu_s
from demo.summary import percentiles
from sightline.proto import featurizer_pb2 as pb
from sightline.proto import featurizer_pb2_grpc
from tools.processes import free_port
from tools.services import Service

WINDOW = 64
"""Unanswered requests of a caller at saturation: with two callers already more than a batch holds."""

BUSY = 0.6
"""Share of the rate at saturation above which queueing takes over the latency (docs/operations.md)."""

BATCHES = (3, 13, 50, 1, 8, 32, 64)
"""Images; those first that warm-up has not run. Larger ones than the pool's are left out: they would be two."""

SECONDS_A_BATCH = 1.0

Scores = NDArray[np.float32]

SUMS = ("batch_rows_count", "batch_rows_sum", "decode_seconds_sum", "inference_seconds_sum")


class Pool(NamedTuple):
    """Settings and environment of its featurizers, and how many there are."""

    settings: Mapping[str, Any]
    env: Mapping[str, str]
    featurizers: int = 1


class Featurizer(Service):
    """On a free loopback port, with one model."""

    def __init__(self, log: Path, models: Path, pool: Pool) -> None:
        port, self._began_s = free_port(), time.monotonic()
        given = {"model_root": models, "models": MODEL, "grpc_host": "127.0.0.1", "grpc_port": port}
        given |= {"message_bytes_max": MESSAGE_BYTES_MAX, **pool.settings}
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
        super().__init__("featurizer", log, *flags, env=pool.env)
        self.address = f"127.0.0.1:{port}"

    def ready_s(self) -> float:
        """Waits until it is; from its start."""
        self.wait_ready()
        return round(time.monotonic() - self._began_s, 1)

    def libraries(self) -> list[str]:
        """NVIDIA's that it has mapped."""
        maps = Path(f"/proc/{self.pid}/maps").read_text()
        return sorted(set(re.findall(r"/(lib(?:cu|nv)[\w-]+\.so[\w.]*)$", maps, re.MULTILINE)))


@contextmanager
def running(log: Path, models: Path, pool: Pool) -> Iterator[list[Featurizer]]:
    started: list[Featurizer] = []
    try:
        for _ in range(pool.featurizers):
            started.append(Featurizer(log, models, pool))
        yield started
    finally:
        for each in started:
            each.stop()


def alone(featurizer: Featurizer, photos: list[bytes], seconds: float) -> dict[str, Any]:
    """One image after the other, nothing beside it."""
    before = cpu_s(featurizer.pid)
    found = answers(Load(featurizer.address, photos, seconds))
    return _ms(found) | {"cpu_ms_per_image": _each(cpu_s(featurizer.pid) - before, found)}


def batches(featurizer: Featurizer, photos: list[bytes], rows_max: int) -> dict[str, dict[str, Any]]:
    """Requests of so many images, one after the other; each is one batch. `first_inference_ms`: of the first."""
    found = {}
    for images in (each for each in BATCHES if each <= rows_max):
        ran = answers(Load(featurizer.address, photos, SECONDS_A_BATCH, images=images))
        later = Answers(ran.round_trip_ms[1:], ran.decode_ms[1:], ran.inference_ms[1:], ran.seconds)
        found[str(images)] = {"first_inference_ms": round(ran.inference_ms[0], 2), **_ms(later)}
    return found


def saturated(featurizers: list[Featurizer], callers: Callers, photos: list[bytes], seconds: float) -> dict[str, Any]:
    """As many as they can take; then BUSY of that, at a steady rate."""
    addresses = [each.address for each in featurizers]
    callers.answers(Load("", photos, 0.5, window=WINDOW), addresses)
    before = _spent(featurizers)
    found = callers.answers(Load("", photos, seconds, window=WINDOW), addresses)
    spent_s, count, rows, decode_s, inference_s = _spent(featurizers) - before
    paced = callers.answers(Load("", photos, seconds, rate=BUSY * found.per_s), addresses)
    whole_s = found.seconds * len(featurizers)
    return {
        "images_per_s": round(found.per_s),
        "cpu_ms_per_image": _each(spent_s, found),
        "batch_rows_mean": round(rows / count, 1),
        "share_of_time": {
            "decode": round(decode_s / whole_s, 2),
            "inference": round(inference_s / whole_s, 2),
        },
        **_ms(found),
        "at_60_percent": {"images_per_s": round(paced.per_s), **_ms(paced)},
    }


def scores(featurizer: Featurizer, photos: list[bytes]) -> Scores:
    """[photos, classes], the classes by name."""
    limit = [(f"grpc.max_{way}_message_length", MESSAGE_BYTES_MAX) for way in ("send", "receive")]
    with grpc.insecure_channel(featurizer.address, limit) as channel:
        request = pb.PredictRequest(request_id=1, model=MODEL, images=photos, top_k=1 << 16)
        (answer,) = featurizer_pb2_grpc.FeaturizerStub(channel).Predict(iter([request]))
    ordered = [sorted((each.label, each.score) for each in result.classes) for result in answer.results]
    return np.array([[score for _, score in each] for each in ordered], np.float32)


def _spent(featurizers: list[Featurizer]) -> NDArray[np.float64]:
    """All of them, so far: seconds of CPU, and SUMS."""
    each_spent = [[cpu_s(each.pid), *(each.metric(f"sightline_{name}") for name in SUMS)] for each in featurizers]
    return np.array([sum(those) for those in zip(*each_spent, strict=True)])


def _ms(found: Answers) -> dict[str, Any]:
    return {
        "n": len(found.round_trip_ms),
        "round_trip_ms": percentiles(found.round_trip_ms, 50, 99),
        "decode_ms": percentiles(found.decode_ms, 50, 99),
        "inference_ms": percentiles(found.inference_ms, 50, 99),
    }


def _each(spent_s: float, found: Answers) -> float:
    return round(spent_s * 1e3 / len(found.round_trip_ms), 3)
