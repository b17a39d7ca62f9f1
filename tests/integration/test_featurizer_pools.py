"""Which featurizer gets an image: pools by preference, equal shares, servers that come, go, drain and vanish."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integration import featurizer
from tests.integration.featurizer import MODEL, coffee, grey
from tests.integration.pools import WAIT_S, Wire, asking, until
from tests.integration.scripted_featurizer import Scripted, scripted_featurizer


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), WAIT_S * 2))


def images(servicer: Scripted) -> list[bytes]:
    return [image for request in servicer.requests for image in request]


def numbered(count: int, first: int = 0) -> list[bytes]:
    return [b"cat 0.9 %d" % (first + each) for each in range(count)]


def test_equally_loaded_featurizers_get_equal_shares(tmp_path: Path) -> None:
    """One image at a time, then more at once than a request holds."""

    async def test() -> None:
        with ExitStack() as servers:
            three = [servers.enter_context(scripted_featurizer()) for _ in range(3)]
            async with asking(tmp_path, "pool:1", names={"pool": {address for address, _ in three}}) as asked:
                await until(lambda: len(asked.open) == 3, "three streams")
                for image in numbered(60):
                    await asked.ask(image)
                assert [len(images(servicer)) for _, servicer in three] == [20, 20, 20]
                await asked.ask(*numbered(300, 1000))
                assert [len(images(servicer)) for _, servicer in three] == [120, 120, 120]
                assert {len(request) for _, servicer in three for request in servicer.requests} == {1, 25}

    run(test)


def test_the_first_pool_that_is_ready_gets_the_images(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def test() -> None:
        with scripted_featurizer() as (cpu, on_cpu), scripted_featurizer() as (gpu, on_gpu):
            async with asking(tmp_path, "gpu:1, cpu:1", names={"cpu": {cpu}}, resolve_interval_s=0.1) as asked:
                assert asked.fallbacks("cpu") == 0
                await asked.ask(*numbered(3))  # no gpu by name
                on_gpu.serving(False)
                asked.names["gpu"] = {gpu}
                await until(lambda: asked.client.pools[0].streams, "an address")
                await asked.ask(*numbered(3, 10))  # it loads its models
                on_gpu.serving(True)
                await until(lambda: gpu in asked.open, "the gpu")
                await asked.ask(*numbered(3, 20))
                assert (len(images(on_cpu)), len(images(on_gpu)), asked.fallbacks("cpu")) == (6, 3, 6)
                del asked.names["gpu"]  # a name without addresses keeps those that it had
                await asked.ask(*numbered(3, 30))
                assert (len(images(on_gpu)), asked.fallbacks("gpu"), asked.fallbacks("cpu")) == (6, 0, 6)

    run(test)
    said = [each.__dict__["pool"] for each in caplog.records if each.message == "images go to this pool"]
    assert said == ["cpu", "gpu"]


def test_addresses_come_and_go_with_the_name(tmp_path: Path) -> None:
    async def test() -> None:
        with scripted_featurizer() as (one, at_one), scripted_featurizer() as (two, at_two):
            async with asking(tmp_path, "pool:1", names={"pool": {one}}, resolve_interval_s=0.1) as asked:
                await asked.ask(*numbered(2))
                asked.names["pool"] = {one, two}
                await until(lambda: two in asked.open, "the new one")
                at_one.answers.clear()
                asked.submit(b"dog held")  # the first is the idle one whose turn it is
                await until(lambda: len(images(at_one)) + len(images(at_two)) == 3, "all sent")
                asked.names["pool"] = {two}
                await until(lambda: asked.open == {two}, "the old one gone")
                await asked.ask(*numbered(4, 10))
                at_one.answers.set()
                await until(lambda: len(asked.answers) == 7, "what was in flight there is answered")
                assert len(images(at_one)) <= 3

    run(test)


def test_a_backlog_waits_here_and_goes_to_who_is_free(tmp_path: Path) -> None:
    """A featurizer that is slow holds no more than its limit; one that comes takes the rest."""

    async def test() -> None:
        with scripted_featurizer() as (slow, at_slow), scripted_featurizer() as (quick, at_quick):
            names = {"pool": {slow}}
            async with asking(tmp_path, "pool:1", names=names, resolve_interval_s=0.1, stream_images_max=64) as asked:
                await until(lambda: asked.open, "a stream")
                at_slow.answers.clear()
                asked.submit(*numbered(500))
                await until(lambda: at_slow.requests, "the first request there")
                assert sum(stream.in_flight for stream in asked.client.pools[0].open) == 64
                asked.names["pool"] = {slow, quick}
                await until(lambda: len(asked.answers) == 500 - 64, "all but what the slow one has")
                at_slow.answers.set()
                await until(lambda: len(asked.answers) == 500, "the rest")
                assert (len(images(at_slow)), len(images(at_quick))) == (64, 436)

    run(test)


def test_a_featurizer_that_vanishes_is_noticed_and_its_images_move(tmp_path: Path) -> None:
    """As when its node is lost: no end of the connection arrives, ever."""

    async def test() -> None:
        with ExitStack() as servers:
            (one, at_one), (two, at_two), (three, at_three) = (
                servers.enter_context(scripted_featurizer()) for _ in range(3)
            )
            wire = Wire(one)
            async with (
                wire.through() as near,
                asking(tmp_path, "pool:1", names={"pool": {near}}, resolve_interval_s=0.2) as asked,
            ):
                await until(lambda: asked.open, "a stream")
                at_one.answers.clear()
                asked.submit(*numbered(40))
                await until(lambda: at_one.requests, "the first request there")
                wire.cut()
                asked.names["pool"] = {near, two, three}
                await until(lambda: len(asked.answers) == 40, "answers")
                # Shared out at once, not in groups one after the other: nobody suspects them.
                assert [len(each) for each in at_two.requests + at_three.requests] == [20, 20]
                at_one.answers.set()

    run(test)


def test_what_kills_every_featurizer_is_found_beside_a_second_pool(tmp_path: Path) -> None:
    async def test() -> None:
        with scripted_featurizer() as (cpu, _), scripted_featurizer() as (gpu, _):
            async with asking(tmp_path, "gpu:1,cpu:1", names={"gpu": {gpu}, "cpu": {cpu}}) as asked:
                await until(lambda: len(asked.open) == 2, "both")
                good = numbered(40)
                asked.submit(*good[:20], b"die", *good[20:])
                await until(lambda: set(good) <= asked.answers.keys() and asked.refusals, "outcomes")
                assert asked.refusals == {b"die": "poison"}

    run(test)


def test_real_featurizers_stopped_and_killed_under_load(tmp_path: Path, root: Path) -> None:
    """Three processes: one is stopped, one is killed. All images are answered once, a draining one gets nothing new."""

    async def test() -> None:
        three = [featurizer.start(tmp_path, root / "build" / "models") for _ in range(3)]
        try:
            for each in three:
                await asyncio.to_thread(each.wait_ready)
            names = {"pool": {featurizer.target(each) for each in three}}
            async with asking(tmp_path, "pool:1", MODEL, names, resolve_interval_s=0.2) as asked:
                await until(lambda: len(asked.open) == 3, "three streams")
                for number in range(30):
                    await asked.ask(grey(number))
                done = Counter({each: each.metric("sightline_batch_rows_sum") for each in three})
                assert all(8 <= rows <= 12 for rows in done.values()), done.values()

                photo = coffee()
                for number in range(60):
                    asked.submit(*(photo + b"%d" % (each + 10 * number) for each in range(10)))
                    await asyncio.sleep(0.01)
                    if number == 20:
                        asyncio.get_running_loop().run_in_executor(None, three[0].stop)
                    if number == 40:
                        three[1].kill()
                await until(lambda: len(asked.answers) == 630, "answers")
                assert not asked.refusals
                assert asked.open == {featurizer.target(three[2])}
                assert three[0].wait() == 0
        finally:
            for each in three:
                each.kill()

    run(test)
