"""Whose answers a pipeline takes: of any engine, or only of the one that answered first (`allow_engine_change`).

Another engine, or another version of the model, scores the same image a little differently. Where that is not allowed
its answers are passed over, counted, and the image is asked about again, for as long as it takes.
"""

import logging
from collections.abc import Callable
from typing import NamedTuple

from sightline.proto import featurizer_pb2 as pb

log = logging.getLogger(__name__)

RETRY_S = 1.0
"""After an answer that is not taken: whoever gave it would give it again."""


class Engine(NamedTuple):
    version: str
    engine: str


class FirstEngine:
    """Of one model call. `passed_over` is called for each answer that is not taken."""

    def __init__(self, model: str, passed_over: Callable[[], object]) -> None:
        self._model, self._passed_over = model, passed_over
        self._first: Engine | None = None
        self._told: set[Engine] = set()

    def takes(self, response: pb.PredictResponse) -> bool:
        who = Engine(response.model_version, response.engine)
        if self._first is None:
            self._first = who
            log.info("answers of this engine alone are taken", extra={"model": self._model} | who._asdict())
        if who == self._first:
            return True
        self._passed_over()
        if who not in self._told:
            self._told.add(who)
            log.warning(
                "another engine answers, its answers are not taken: start again to change, or allow_engine_change",
                extra={"model": self._model, "first": "@".join(self._first), "answers": "@".join(who)},
            )
        return False
