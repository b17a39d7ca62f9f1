"""/healthz: bad only for a thread that hangs."""

import asyncio

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from services.common import pulse
from services.common.http import application
from services.common.lifecycle import Lifecycle


def test_a_thread_that_hangs_is_told_from_one_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1000.0
    monkeypatch.setattr(pulse.Pulse.__init__, "__defaults__", (lambda: now_s,))

    async def test() -> None:
        nonlocal now_s
        life = Lifecycle(silent_s_max=60)
        polling, other = life.pulse("polling thread"), life.pulse("other")
        async with TestClient(TestServer(application(life, CollectorRegistry()))) as client:

            async def healthz() -> tuple[int, str]:
                answer = await client.get("/healthz")
                return answer.status, await answer.text()

            assert await healthz() == (200, "ok\n")
            polling.beat()
            other.beat()
            other.rest()
            now_s += 59
            assert await healthz() == (200, "ok\n")
            now_s += 2
            assert await healthz() == (503, "polling thread has not come round for 61 s\n")
            polling.beat()
            assert await healthz() == (200, "ok\n")
            assert (await client.get("/readyz")).status == 503
            assert await (await client.get("/readyz")).text() == "waiting for start\n"
            life.waiting("topic 'events'")
            assert await (await client.get("/readyz")).text() == "waiting for topic 'events'\n"
            life.drain()
            assert await (await client.get("/readyz")).text() == "draining\n"
            assert await healthz() == (200, "ok\n")

    asyncio.run(test())
