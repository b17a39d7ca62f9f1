"""Has events scored by all models of the query: one client a call, an event is done when each has answered."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from services.stream_joiner.engines import RETRY_S, FirstEngine
from services.stream_joiner.featurizer_client import FeaturizerClient
from services.stream_joiner.matching import Answered
from services.stream_joiner.records import Asked, Record
from sightline.events import Reason, Refusal
from sightline.proto import featurizer_pb2 as pb
from sightline.query.planning.models import PREDICTION
from sightline.query.planning.nodes import ModelCall
from sightline.query.runtime.rows import struct_class

_prediction = struct_class(PREDICTION)


class Scoring:
    """Used from the event loop only. A record comes back by its `done`, whatever became of it."""

    def __init__(
        self,
        calls: Sequence[ModelCall],
        client: Callable[[ModelCall, "Scoring"], FeaturizerClient],
        passed_over: Callable[[], object] | None = None,
    ) -> None:
        """`passed_over`: only the engine that answers first is listened to, each answer of another calls this."""
        self._calls = calls
        self.clients = [client(each, self) for each in calls]
        self._engines = [FirstEngine(each.model, passed_over) for each in calls] if passed_over else []

    async def start(self) -> None:
        for each in self.clients:
            await each.start()

    async def close(self) -> None:
        for each in self.clients:
            await each.close()

    def submit(self, records: Sequence[Record]) -> None:
        """Ask every model about what has just arrived, in one call each. A NULL image has the answer NULL."""
        asked: list[list[Asked]] = [[] for _ in self._calls]
        for record in records:
            record.answers = [None] * len(self._calls)
            record.open = sum(image is not None for image in record.images)
            for number, image in enumerate(record.images):
                if image is not None:
                    asked[number].append(Asked(record, number, image))
            if not record.open:
                record.done(record)
        for client, each in zip(self.clients, asked, strict=True):
            if each:
                client.submit(each)

    # From the clients.

    def scored(self, asked: Asked, result: pb.ImageResult, response: pb.PredictResponse) -> None:
        if self._engines and not self._engines[asked.call].takes(response):
            asyncio.get_running_loop().call_later(RETRY_S, self.clients[asked.call].submit, [asked])
            return
        record = asked.record
        if self._calls[asked.call].function == "predict":
            answer: Any = [_prediction(rank, each.label, each.score) for rank, each in enumerate(result.classes)]
        else:
            answer = list(result.values)
        record.answers[asked.call] = answer
        record.answered = record.answered or Answered.of(response)
        self._one_less(record)

    def refused(self, asked: Asked, reason: Reason, detail: str) -> None:
        asked.record.refusal = asked.record.refusal or Refusal(reason, detail)
        self._one_less(asked.record)

    @staticmethod
    def _one_less(record: Record) -> None:
        record.open -= 1
        if not record.open:
            record.done(record)
