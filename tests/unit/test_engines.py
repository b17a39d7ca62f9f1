"""Whose answers a pipeline takes."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from services.stream_joiner import scoring as module
from services.stream_joiner.records import Asked, Record, Times
from services.stream_joiner.scoring import Scoring
from sightline.offsets import PartitionLog
from sightline.proto import featurizer_pb2 as pb
from sightline.query.pipeline import Pipeline


class Client:
    def __init__(self) -> None:
        self.asked: asyncio.Queue[Asked] = asyncio.Queue()

    def submit(self, records: Sequence[Asked]) -> None:
        for each in records:
            self.asked.put_nowait(each)


CALL: Any = SimpleNamespace(function="featurize", model="bond")


def answer(value: float, engine: str, version: str = "1") -> tuple[pb.ImageResult, pb.PredictResponse]:
    result = pb.ImageResult(status=pb.OK, values=[value])
    return result, pb.PredictResponse(model="bond", model_version=version, engine=engine)


def record(done: list[Record]) -> Record:
    made = Record(PartitionLog[Any]("t", 0, 0).open(0), None, Times(0, 0, 0), 0, ())
    made.images, made.done = (b"image",), done.append
    return made


@pytest.mark.parametrize("pinned", [True, False])
def test_with_one_engine_alone_another_ones_answers_are_waited_out(
    pinned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0)

    async def run() -> None:
        client, done, passed_over = Client(), list[Record](), list[None]()
        count = (lambda: passed_over.append(None)) if pinned else None
        scoring = Scoring([CALL], lambda call, answers: client, count)  # type: ignore[arg-type,return-value]
        for engine, version in (("gpu", "1"), ("cpu", "1"), ("gpu", "2")):
            scoring.submit([record(done)])
            scoring.scored(await client.asked.get(), *answer(1.0, engine, version))
        if not pinned:
            assert len(done) == 3
            return
        assert (len(done), len(passed_over)) == (1, 2)
        for _ in range(2):
            scoring.scored(await client.asked.get(), *answer(2.0, "gpu"))
        assert [each.answers for each in done] == [[[1.0]], [[2.0]], [[2.0]]]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({}, True),
        ({"delivery": "exactly-once"}, False),
        ({"delivery": "exactly-once", "allow_engine_change": True}, True),
        ({"allow_engine_change": False}, False),
    ],
)
def test_by_default_an_engine_may_change_at_least_once(given: dict[str, object], allowed: bool) -> None:
    whole = {
        "version": 1,
        "name": "p",
        "sources": {"e": {"topic": "e"}},
        "query": "",
        "sink": {"topic": "o", "key": ["k"]},
    }
    assert msgspec.convert(whole | given, Pipeline).engine_may_change == allowed
