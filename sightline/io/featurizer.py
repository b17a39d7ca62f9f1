"""A featurizer asked over gRPC by somebody who can wait: a batch query."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import grpc

from sightline.batch.execute import Answers
from sightline.errors import SightlineError
from sightline.events import Refusal
from sightline.io.model_calls import REFUSED, check_call
from sightline.io.tls import ClientTls, channel
from sightline.proto import featurizer_pb2 as pb
from sightline.proto import featurizer_pb2_grpc
from sightline.query.pipeline import PipelineFile
from sightline.query.planning.models import PREDICTION
from sightline.query.planning.nodes import ModelCall
from sightline.query.runtime.rows import struct_class

REQUEST_IMAGES = 32
MESSAGE_BYTES_MAX = 64 << 20
REQUEST_TIMEOUT_MS = 30_000
GIVE_UP_S = 60.0
RETRY_S = 0.2

_prediction = struct_class(PREDICTION)


class FeaturizerError(SightlineError):
    """The featurizer has not answered for GIVE_UP_S."""


class _Asked(NamedTuple):
    call: int
    events: list[int]
    images: list[bytes]


class RemoteModels:
    """With TLS where the environment says so (`ClientTls`).

    Raises FeaturizerError, and QueryError for a model or signature that the featurizer lacks.
    """

    def __init__(self, file: PipelineFile, calls: Sequence[ModelCall], address: str) -> None:
        self._calls, self._address = calls, address
        limits: list[tuple[str, Any]] = [
            (f"grpc.max_{way}_message_length", MESSAGE_BYTES_MAX) for way in ("send", "receive")
        ]
        self._channel = channel(ClientTls.from_environment(), address, limits)
        self._stub = featurizer_pb2_grpc.FeaturizerStub(self._channel)  # type: ignore[no-untyped-call]
        self._check(file)

    def close(self) -> None:
        self._channel.close()

    def _check(self, file: PipelineFile) -> None:
        try:
            listed = self._stub.ListModels(pb.ListModelsRequest(), timeout=GIVE_UP_S, wait_for_ready=True)
        except grpc.RpcError as error:
            raise FeaturizerError(f"featurizer {self._address}: {_text(error)}") from None
        for call in self._calls:
            check_call(file, call, listed.models)

    def answers(self, images: Sequence[Sequence[bytes | None]]) -> Sequence[Answers | Refusal]:
        given: list[Any] = [[None] * len(self._calls) for _ in images]
        left = list(self._requests(images))
        give_up_s = time.monotonic() + GIVE_UP_S
        while left:
            before = len(left)
            left, why = self._try(left, given)
            if len(left) < before:
                give_up_s = time.monotonic() + GIVE_UP_S
            elif time.monotonic() > give_up_s:
                raise FeaturizerError(f"featurizer {self._address}: {why}")
            if left:
                time.sleep(RETRY_S)
        return given

    def _requests(self, images: Sequence[Sequence[bytes | None]]) -> Iterator[_Asked]:
        for number in range(len(self._calls)):
            asked = [(event, image) for event, each in enumerate(images) if (image := each[number]) is not None]
            for first in range(0, len(asked), REQUEST_IMAGES):
                part = asked[first : first + REQUEST_IMAGES]
                yield _Asked(number, [event for event, _ in part], [image for _, image in part])

    def _try(self, requests: list[_Asked], given: list[Any]) -> tuple[list[_Asked], str]:
        """Those that are to be tried again, and the last reason."""
        left, why = dict(enumerate(requests)), "no answer"
        again: list[_Asked] = []
        try:
            for response in self._stub.Predict(self._message(number, each) for number, each in left.copy().items()):
                asked = left.pop(response.request_id)
                if response.status == pb.OK:
                    more, why = self._take(asked, response, given, why)
                    again += more
                elif response.status in REFUSED:
                    for event in asked.events:
                        given[event] = Refusal(REFUSED[response.status], response.detail)
                else:
                    why = f"{pb.Status.Name(response.status)}: {response.detail}"
                    again.append(asked)
        except grpc.RpcError as error:
            why = _text(error)
        return [*again, *left.values()], why

    def _message(self, number: int, asked: _Asked) -> pb.PredictRequest:
        call = self._calls[asked.call]
        return pb.PredictRequest(
            request_id=number,
            model=call.model,
            top_k=call.top_k,
            timeout_ms=REQUEST_TIMEOUT_MS,
            images=asked.images,
            signature=call.function,
        )

    def _take(
        self, asked: _Asked, response: pb.PredictResponse, given: list[Any], why: str
    ) -> tuple[list[_Asked], str]:
        again = []
        for event, image, result in zip(asked.events, asked.images, response.results, strict=True):
            if isinstance(given[event], Refusal):
                continue
            if result.status == pb.OK:
                given[event][asked.call] = self._answer(asked.call, result)
            elif result.status in REFUSED:
                given[event] = Refusal(REFUSED[result.status], result.detail)
            else:
                why = f"{pb.Status.Name(result.status)}: {result.detail}"
                again.append(_Asked(asked.call, [event], [image]))
        return again, why

    def _answer(self, call: int, result: pb.ImageResult) -> Any:
        if self._calls[call].function == "predict":
            return [_prediction(rank, each.label, each.score) for rank, each in enumerate(result.classes)]
        return list(result.values)


def _text(error: grpc.RpcError) -> str:
    return f"{error.code().name}: {error.details()}"
