"""sightline.v1.Featurizer: the streams of the stream joiner."""

import asyncio
from typing import Any

import grpc

from services.featurizer.errors import ANSWER_TOO_LARGE, DRAINING, LOADING, NO_IMAGES, Refusal
from services.featurizer.repository import Repository, Servable
from services.featurizer.scheduler import Answer, Job
from services.featurizer.servicers import messages
from services.featurizer.servicers.stream import Stream
from services.featurizer.settings import Settings
from sightline.proto import featurizer_pb2 as pb
from sightline.proto import featurizer_pb2_grpc

DRAIN_LINGER_S = 0.25
"""How long a stream stays open after the announcement at least: for what the caller sent before it heard."""


class FeaturizerServicer(featurizer_pb2_grpc.FeaturizerServicer):
    """Requests are answered UNAVAILABLE until `repository` is set."""

    def __init__(self, settings: Settings) -> None:
        self.repository: Repository | None = None
        self._settings = settings
        self._streams: set[Stream] = set()
        self._draining = False
        self._stream_ended = asyncio.Event()

    async def Predict(self, _: object, context: Any) -> None:
        stream = Stream(context, self._settings.stream_requests_max, self._accept)
        self._streams.add(stream)
        if self._draining:
            self._announce(stream)
        try:
            await stream.run()
        finally:
            self._streams.discard(stream)
            self._stream_ended.set()
            for servable in self.repository.servables if self.repository and stream.jobs else ():
                servable.scheduler.drop(stream.jobs)

    async def ListModels(self, _: pb.ListModelsRequest, context: Any) -> pb.ListModelsResponse:
        if self.repository is None:
            await context.abort(grpc.StatusCode.UNAVAILABLE, LOADING.detail)
            raise AssertionError("abort has raised")
        return messages.models(self.repository.servables)

    async def close(self) -> None:
        """Free the models, if there are any yet."""
        if self.repository:
            await self.repository.close()

    async def drain(self, timeout_s: float) -> None:
        """Announce it on every stream. Returns when all have ended, or after `timeout_s`; accepted is answered first.

        A stream ends when its caller closes it, or after DRAIN_LINGER_S, once nothing of it is unanswered.
        """
        self._draining = True
        for stream in self._streams:
            self._announce(stream)
        try:
            async with asyncio.timeout(timeout_s):
                while self._streams:
                    self._stream_ended.clear()
                    await self._stream_ended.wait()
        except TimeoutError:
            pass

    def _announce(self, stream: Stream) -> None:
        stream.send(pb.PredictResponse(draining=True))
        asyncio.get_running_loop().call_later(DRAIN_LINGER_S, stream.end)

    def _accept(self, stream: Stream, request: pb.PredictRequest) -> None:
        """Hand the request to its model's scheduler, or refuse it."""
        servable = self._servable(request)
        if isinstance(servable, Refusal):
            stream.send(messages.refused(request, servable))
            return

        def answer(outcome: Answer | Refusal) -> None:
            stream.jobs.discard(job)
            response = messages.response(request, servable, outcome)
            if response.ByteSize() > self._settings.message_bytes_max:
                response = messages.refused(request, ANSWER_TOO_LARGE)  # gRPC would end the whole stream
            stream.send(response)

        timeout_s = request.timeout_ms / 1e3 or None
        job = Job(request.images, answer, messages.signature(request), request.priority, timeout_s)
        stream.jobs.add(job)
        if refused := servable.scheduler.submit(job):
            answer(refused)

    def _servable(self, request: pb.PredictRequest) -> Servable | Refusal:
        if self._draining:
            return DRAINING
        if self.repository is None:
            return LOADING
        if not request.images:
            return NO_IMAGES
        servable = self.repository.find(request.model)
        if isinstance(servable, Refusal):
            return servable
        return servable.lacks(messages.signature(request)) or servable
