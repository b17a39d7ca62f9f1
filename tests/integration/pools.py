"""The joiner's client of featurizers in this process, names that the test resolves, and a network that can be cut."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from services.stream_joiner.featurizer_client import FeaturizerClient
from services.stream_joiner.metrics import Metrics
from services.stream_joiner.records import Asked
from services.stream_joiner.settings import Settings
from sightline.events import Reason
from sightline.proto import featurizer_pb2 as pb
from sightline.query.planning.nodes import ModelCall

WAIT_S = 60


async def until(condition: Callable[[], Any], what: str) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.005)
    assert condition(), what


class Asking:
    """`names` maps a pool's host to its addresses; a host without any does not resolve."""

    def __init__(self, directory: Path, pools: str, model: str, **more: object) -> None:
        (directory / "p.yaml").touch()
        settings = Settings(pipeline=directory / "p.yaml", featurizer_address=pools, **more)  # type: ignore[arg-type]
        self.names: dict[str, set[str]] = {}
        self.answers: dict[bytes, pb.ImageResult] = {}
        self.refusals: dict[bytes, Reason] = {}
        self.registry = CollectorRegistry()
        call = ModelCall("predict", model, 1, None, "v", 0)  # type: ignore[arg-type]
        self.client = FeaturizerClient(settings, Metrics("p", self.registry), call, self, self._resolve)

    async def _resolve(self, host: str, port: int) -> set[str]:
        if not self.names.get(host):
            raise OSError(f"no address for {host}")
        return set(self.names[host])

    def scored(self, record: Asked, result: pb.ImageResult, response: pb.PredictResponse) -> None:
        assert record.image not in self.answers, "answered twice"
        self.answers[record.image] = result

    def refused(self, record: Asked, reason: Reason, detail: str) -> None:
        self.refusals[record.image] = reason

    def submit(self, *images: bytes) -> None:
        self.client.submit([Asked(None, 0, each) for each in images])  # type: ignore[arg-type]

    async def ask(self, *images: bytes) -> None:
        """Returns when all are answered."""
        self.submit(*images)
        await until(lambda: all(each in self.answers for each in images), "answers")

    @property
    def open(self) -> set[str]:
        """Addresses that take images."""
        return {stream.address for pool in self.client.pools for stream in pool.open}

    def fallbacks(self, pool: str) -> float:
        labels = {"pipeline": "p", "pool": pool}
        return self.registry.get_sample_value("sightline_featurizer_fallback_total", labels) or 0.0


@asynccontextmanager
async def asking(
    directory: Path, pools: str, model: str = "m", names: dict[str, set[str]] | None = None, **more: object
) -> AsyncIterator[Asking]:
    made = Asking(directory, pools, model, **more)
    made.names |= names or {}
    await made.client.start()
    try:
        yield made
    finally:
        await made.client.close()


class Wire:
    """A TCP connection's way to `target`; once cut, bytes and the ends of connections get lost."""

    def __init__(self, target: str) -> None:
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._whole = asyncio.Event()
        self._whole.set()
        self._connections: set[asyncio.Task[Any]] = set()

    def cut(self) -> None:
        self._whole.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
            await self._whole.wait()
        except OSError:
            pass
        finally:
            writer.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._host, self._port)
        self._connections.add(asyncio.create_task(self._carry(reader, back)))
        self._connections.add(asyncio.create_task(self._carry(there, writer)))

    @asynccontextmanager
    async def through(self) -> AsyncIterator[str]:
        """The address of the near end."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        try:
            host, port = server.sockets[0].getsockname()
            yield f"{host}:{port}"
        finally:
            server.close()
            for each in self._connections:
                each.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
