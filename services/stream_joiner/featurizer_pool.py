"""The featurizers behind one name: a stream to each address that the name has now.

gRPC balances per call, not per message of a stream, so the pool looks its name up itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from services.stream_joiner.featurizer_stream import Stream

log = logging.getLogger(__name__)

RESOLVE_EMPTY_S = 1.0
"""Between look-ups while nothing serves: the next address is wanted soon."""
RESOLVE_AGAIN_S = 0.3
"""Between look-ups at least, however often a stream ends."""

Resolve = Callable[[str, int], Awaitable[set[str]]]
"""Host and port to gRPC targets. Raises OSError where the name has none."""


async def by_dns(host: str, port: int) -> set[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)
    return {_target(*address[:2]) for *_, address in found}


class Pool:
    """`address` is host:port or unix:/path. Use it from the event loop only."""

    def __init__(
        self, address: str, interval_s: float, make_stream: Callable[[str, str], Stream], resolve: Resolve = by_dns
    ) -> None:
        self.address, self.streams = address, dict[str, Stream]()
        self.name = address if address.startswith("unix:") else address.rpartition(":")[0]
        self._interval_s, self._make_stream, self._resolve = interval_s, make_stream, resolve
        self._retired: set[Stream] = set()
        self._wake = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._said = ""

    def start(self) -> None:
        self._following = asyncio.create_task(self._follow())

    async def close(self) -> None:
        if self._following:
            self._following.cancel()
        for stream in [*self.streams.values(), *self._retired]:
            await stream.close()

    @property
    def open(self) -> list[Stream]:
        """Those that take images."""
        return [each for each in self.streams.values() if each.open]

    def look_again(self) -> None:
        """A stream ended: its address may have gone, and another have come."""
        self._wake.set()

    async def _follow(self) -> None:
        while True:
            try:
                self._use(await self._addresses())
                self._said = ""
            except OSError as error:
                if self._said != str(error):
                    log.warning("featurizer not found", extra={"address": self.address, "why": str(error)})
                self._said = str(error)
            self._wake.clear()
            await asyncio.sleep(RESOLVE_AGAIN_S)
            try:
                async with asyncio.timeout(self._interval_s if self.open else min(self._interval_s, RESOLVE_EMPTY_S)):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _addresses(self) -> set[str]:
        if self.address.startswith("unix:"):
            return {self.address}
        return await self._resolve(self.name, int(self.address.rpartition(":")[2]))

    def _use(self, addresses: set[str]) -> None:
        self._retired = {each for each in self._retired if not each.done}
        for address in sorted(addresses - self.streams.keys()):
            self.streams[address] = self._make_stream(address, self.name)
        for address in self.streams.keys() - addresses:
            stream = self.streams.pop(address)
            stream.retire()
            self._retired.add(stream)


def _target(ip: str | int, port: str | int) -> str:
    return f"[{ip}]:{port}" if ":" in str(ip) else f"{ip}:{port}"
