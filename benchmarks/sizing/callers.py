"""Callers of a featurizer, each a process with one stream, as joiners are."""

import itertools
import multiprocessing
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import grpc

from sightline.proto import featurizer_pb2 as pb
from sightline.proto import featurizer_pb2_grpc

MODEL = "efficientnet-lite0"
MESSAGE_BYTES_MAX = 64 << 20


class Load(NamedTuple):
    """What one caller does."""

    address: str
    photos: list[bytes]
    seconds: float
    images: int = 1
    """In one request."""
    window: int = 1
    """Requests unanswered at most, where there is no rate."""
    rate: float | None = None
    """Requests a second, sent when they are due whatever is unanswered; None: as answers come."""


class Answers(NamedTuple):
    """Milliseconds of each round trip, from when it was due, and of its batch in the featurizer."""

    round_trip_ms: list[float]
    decode_ms: list[float]
    inference_ms: list[float]
    seconds: float
    """From the first request to the last answer."""

    @property
    def per_s(self) -> float:
        return len(self.round_trip_ms) / self.seconds


def answers(load: Load) -> Answers:
    sent: dict[int, float] = {}
    room = threading.Semaphore(load.window)
    found = Answers([], [], [], 0.0)
    photos = itertools.cycle(load.photos)

    def requests() -> Iterator[pb.PredictRequest]:
        for number in itertools.count(1):
            if load.rate is None:
                room.acquire()
                due = time.monotonic()
            else:
                due = begin + number / load.rate
                time.sleep(max(0.0, due - time.monotonic()))
            if due > begin + load.seconds:
                return
            sent[number] = due
            images = list(itertools.islice(photos, load.images))
            yield pb.PredictRequest(request_id=number, model=MODEL, images=images)

    with grpc.insecure_channel(load.address, [("grpc.max_send_message_length", MESSAGE_BYTES_MAX)]) as channel:
        grpc.channel_ready_future(channel).result()
        begin = time.monotonic()
        for answer in featurizer_pb2_grpc.FeaturizerStub(channel).Predict(requests()):
            found.round_trip_ms.append((time.monotonic() - sent.pop(answer.request_id)) * 1e3)
            room.release()
            if answer.status != pb.OK:
                raise RuntimeError(f"{pb.Status.Name(answer.status)}: {answer.detail}")
            found.decode_ms.append(answer.timing.decode_us / 1e3)
            found.inference_ms.append(answer.timing.inference_us / 1e3)
        return found._replace(seconds=time.monotonic() - begin)


class Callers:
    """`count` processes that stay, so that none of their start is measured."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"))

    def answers(self, load: Load, addresses: Sequence[str]) -> Answers:
        """All at once, each to one of `addresses`; `rate` is theirs together."""
        each = load._replace(rate=load.rate and load.rate / self.count)
        turns = itertools.islice(itertools.cycle(addresses), self.count)
        parts = list(self._pool.map(answers, [each._replace(address=address) for address in turns]))
        return Answers(
            [ms for part in parts for ms in part.round_trip_ms],
            [ms for part in parts for ms in part.decode_ms],
            [ms for part in parts for ms in part.inference_ms],
            max(part.seconds for part in parts),
        )

    def close(self) -> None:
        self._pool.shutdown()
