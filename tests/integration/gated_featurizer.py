"""The featurizer's gRPC server in the test's own process, over a model that runs a batch when the test says so."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from queue import SimpleQueue
from threading import Semaphore
from typing import Any

import grpc
import numpy as np
from prometheus_client import CollectorRegistry

from services.featurizer import server
from services.featurizer.metrics import Metrics
from services.featurizer.repository import load
from services.featurizer.servicers.featurizer import FeaturizerServicer
from services.featurizer.settings import Settings
from sightline.models.engines import EngineName
from sightline.models.signatures import PREDICT, Shape
from sightline.proto import featurizer_pb2 as pb
from sightline.proto import featurizer_pb2_grpc
from tests.integration.featurizer import grey

FREE = 10_000
WAIT_S = 30


class GatedEngine:
    """Each batch waits for the test. The class of an image is its shade of grey."""

    name: EngineName = "litert"
    input_size = 8

    def __init__(self) -> None:
        self.labels = [str(shade) for shade in range(256)]
        self.signatures: dict[str, Shape] = {"predict": (256,), "shade": (1,), "grid": (None, 2), "lies": (3,)}
        self.gate, self.batches = Semaphore(FREE), SimpleQueue[list[int]]()

    def predict(self, images: np.ndarray) -> np.ndarray:
        return self.run(PREDICT, images)

    def run(self, signature: str, images: np.ndarray) -> np.ndarray:
        shades = images[:, 0, 0, 0]
        self.batches.put([int(shade) for shade in shades])
        assert self.gate.acquire(timeout=WAIT_S)
        if signature == "grid":  # [[shade, 0], [shade, 1], [shade, 2], ...]
            return np.stack([[[shade, row] for row in range(1000)] for shade in shades]).astype(np.float32)
        if signature == "shade":
            return shades[:, None] / np.float32(200 - shades[:, None])  # 200: infinite
        return np.asarray(np.eye(256, dtype=np.float32)[shades])

    def warm_up(self, rows_max: int = 2) -> None:
        self.predict(np.zeros((1, 8, 8, 3), np.uint8))

    def close(self) -> None:
        self.batches.put([])

    def hold(self) -> None:
        """From now on a batch runs for each `release`."""
        while self.gate.acquire(blocking=False):
            pass
        while not self.batches.empty():
            self.batches.get()

    async def next_batch(self) -> list[int]:
        """The shades of the batch that has begun."""
        return await asyncio.to_thread(self.batches.get, timeout=WAIT_S)


class Bench:
    """A server over a gated model, and its caller's side."""

    def __init__(self, servicer: FeaturizerServicer, engine: GatedEngine, channel: grpc.aio.Channel) -> None:
        self.servicer, self.engine = servicer, engine
        self.stub = featurizer_pb2_grpc.FeaturizerStub(channel)

    @property
    def queue_rows(self) -> int:
        assert self.servicer.repository
        return self.servicer.repository.servables[0].scheduler._batcher.rows

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not condition():
                await asyncio.sleep(0.001)


@asynccontextmanager
async def bench(tmp_path: Any, loaded: bool = True, **limits: int) -> AsyncIterator[Bench]:
    (tmp_path / "net" / "1").mkdir(parents=True)
    where = {"model_root": tmp_path, "grpc_host": "127.0.0.1", "grpc_port": 0}
    settings = Settings.model_validate({**where, **limits})
    servicer, engine = FeaturizerServicer(settings), GatedEngine()
    with ThreadPoolExecutor(2) as decoders:
        async with (
            server.serving(settings, servicer, server.Health()) as port,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            if loaded:
                metrics = Metrics(CollectorRegistry())
                servicer.repository = await load(settings, metrics, decoders, lambda *_: engine)
                engine.hold()
            try:
                yield Bench(servicer, engine, channel)
            finally:
                engine.gate.release(FREE)
                await servicer.close()


def request(request_id: int, *shades: int, signature: str = "", **fields: int) -> pb.PredictRequest:
    images = [grey(shade) for shade in shades]
    return pb.PredictRequest(request_id=request_id, model="net", signature=signature, images=images, **fields)


def shades(response: pb.PredictResponse) -> list[int]:
    assert response.status == pb.OK, response
    return [int(result.classes[0].label) for result in response.results]


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, WAIT_S * 2))
