"""Models run in this process: what the featurizer would answer, without one."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sightline.batch.execute import Answers
from sightline.errors import ConfigError
from sightline.events import Reason, Refusal
from sightline.query.pipeline import PipelineFile
from sightline.query.planning.models import PREDICTION
from sightline.query.planning.nodes import ModelCall
from sightline.query.runtime.rows import struct_class
from sightline.query.schema import did_you_mean

BATCH_IMAGES = 32

_prediction = struct_class(PREDICTION)


class LocalModels:
    """Raises QueryError for a model or signature that is not in `root`, ConfigError for one that can't be loaded."""

    def __init__(self, file: PipelineFile, calls: Sequence[ModelCall], root: Path) -> None:
        threads = os.cpu_count() or 1
        self._calls = calls
        self._engines: dict[str, Any] = {}
        with _extra_named():
            from sightline.models import repository
            from sightline.models.engines import load

            for call in calls:
                if call.model not in self._engines:
                    try:
                        directory = repository.resolve(root, call.model).directory
                    except ConfigError as error:
                        raise file.query_error(error.message, call.offset) from None
                    self._engines[call.model] = load(directory, threads=threads)
        for call in calls:
            signatures = self._engines[call.model].signatures
            if call.function not in signatures:
                hint = did_you_mean(call.function, signatures)
                raise file.query_error(
                    f"the model {call.model!r} has no signature {call.function!r}{hint}", call.offset
                )
        self._decoders = ThreadPoolExecutor(threads, "decode")

    def close(self) -> None:
        self._decoders.shutdown(cancel_futures=True)
        for each in self._engines.values():
            each.close()

    def answers(self, images: Sequence[Sequence[bytes | None]]) -> Sequence[Answers | Refusal]:
        given: list[Any] = [[None] * len(self._calls) for _ in images]
        for first in range(0, len(images), BATCH_IMAGES):
            for number, call in enumerate(self._calls):
                asked = [
                    (at, image)
                    for at in range(first, min(first + BATCH_IMAGES, len(images)))
                    if (image := images[at][number]) is not None and not isinstance(given[at], Refusal)
                ]
                answers = self._ask(call, [image for _, image in asked])
                for (at, _), answer in zip(asked, answers, strict=True):
                    if isinstance(answer, Refusal):
                        given[at] = answer
                    else:
                        given[at][number] = answer
        return given

    def _ask(self, call: ModelCall, images: list[bytes]) -> list[Any]:
        """An answer or a refusal an image."""
        import numpy as np

        from sightline.models.decode import BadImage, decode

        engine = self._engines[call.model]
        decoded = list(self._decoders.map(lambda image: decode(image, engine.input_size), images))
        answers: list[Any] = [
            Refusal(Reason(each.fault.value), each.detail) if isinstance(each, BadImage) else None for each in decoded
        ]
        good = [index for index, each in enumerate(answers) if each is None]
        if good:
            rows = self._run(engine, call.function, np.stack([decoded[index] for index in good]))
            for index, row in zip(good, rows, strict=True):
                answers[index] = row if isinstance(row, Refusal) else _answer(call, row, engine.labels)
        return answers

    def _run(self, engine: Any, signature: str, pixels: Any) -> list[Any]:
        """A batch that fails runs again image by image, so that only the one at fault has no answer."""
        import numpy as np

        try:
            rows = list(engine.run(signature, pixels))
        except Exception as error:
            if len(pixels) == 1:
                return [Refusal(Reason.MODEL_ERROR, f"{type(error).__name__}: {error}")]
            return [row for image in pixels for row in self._run(engine, signature, image[np.newaxis])]
        refusal = Refusal(Reason.MODEL_ERROR, "the model's output is not finite")
        return [row if np.isfinite(row).all() else refusal for row in rows]


def _answer(call: ModelCall, row: Any, labels: list[str]) -> Any:
    """Of equal scores the first class comes first."""
    if call.function != "predict":
        return row.ravel().tolist()
    best = (-row).argsort(kind="stable")[: call.top_k]
    return [_prediction(rank, labels[index], float(row[index])) for rank, index in enumerate(best)]


@contextmanager
def _extra_named() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"models in this process need the package {error.name}: pip install 'sightline[featurizer]', "
            "or name a running featurizer with --featurizer-address"
        ) from None
