"""Images to the featurizer and predictions back: one long-lived stream an address, requests to the least loaded.

gRPC balances per call, not per message of a stream, so the client looks the name up itself. A record comes back
exactly once: with predictions, or with the reason why its image can't be scored. Anything that may pass
(no server, a full queue, a deadline) is tried again without end.
"""

import asyncio
import logging
from collections import deque
from typing import Protocol

from services.stream_joiner.featurizer_stream import Stream
from services.stream_joiner.records import Asked
from services.stream_joiner.settings import Settings
from sightline.events import Reason
from sightline.io.model_calls import REFUSED
from sightline.isolation import Suspects
from sightline.proto import featurizer_pb2 as pb
from sightline.query.planning.nodes import ModelCall

log = logging.getLogger(__name__)

RETRY_S = 0.05


class Answers(Protocol):
    """Who gets a record's answer."""

    def scored(self, record: Asked, result: pb.ImageResult, response: pb.PredictResponse) -> None: ...

    def refused(self, record: Asked, reason: Reason, detail: str) -> None: ...


class FeaturizerClient:
    """Use it from the event loop only."""

    def __init__(self, settings: Settings, model: ModelCall, answers: Answers) -> None:
        self._settings, self._model, self._answers = settings, model, answers
        self._streams: dict[str, Stream] = {}
        self._waiting: deque[Asked] = deque()
        self._suspects: Suspects[Asked] = Suspects(settings.poison_attempts_max)
        self._resolver: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._resolver = asyncio.create_task(self._resolve_forever())

    async def close(self) -> None:
        if self._resolver:
            self._resolver.cancel()
        for stream in self._streams.values():
            await stream.close()

    async def models(self) -> list[pb.Model]:
        """What the first featurizer that answers has loaded; waits for one."""
        while True:
            for stream in list(self._streams.values()):
                if (found := await stream.list_models()) is not None:
                    return found
            await asyncio.sleep(0.1)

    def submit(self, records: list[Asked]) -> None:
        """Send now if a server is there; else the records wait. Never blocks: whoever submits bounds what is open."""
        self._waiting.extend(records)
        self._send()

    def _send(self) -> None:
        self._send_trial()
        while self._waiting and (stream := self._least_loaded()):
            records = [
                self._waiting.popleft() for _ in range(min(len(self._waiting), self._settings.request_images_max))
            ]
            stream.send(records)

    def _send_trial(self) -> None:
        """One group of suspects, alone on a stream. A busy stream is left to run empty for it."""
        if self._suspects.waiting and (idle := [each for each in self._open() if not each.in_flight]):
            idle[0].send(self._suspects.begin_trial(), trial=True)

    def _open(self) -> list[Stream]:
        return [each for each in self._streams.values() if each.open and not each.on_trial]

    def _least_loaded(self) -> Stream | None:
        streams = self._open()
        if self._suspects.waiting and len(streams) == 1:
            return None
        return min(streams, key=lambda each: each.in_flight, default=None)

    def _answered(self, records: list[Asked], response: pb.PredictResponse, trial: bool) -> None:
        if trial:
            self._suspects.survived()
        if response.status == pb.OK:
            for record, result in zip(records, response.results, strict=True):
                self._one(record, result, response)
        elif response.status in REFUSED:
            for record in records:
                self._answers.refused(record, REFUSED[response.status], response.detail)
        else:
            self._retry_later(records, pb.Status.Name(response.status), response.detail)
        self._send()

    def _one(self, record: Asked, result: pb.ImageResult, response: pb.PredictResponse) -> None:
        if result.status == pb.OK:
            self._answers.scored(record, result, response)
        elif result.status in REFUSED:
            self._answers.refused(record, REFUSED[result.status], result.detail)
        else:
            self._retry_later([record], pb.Status.Name(result.status), result.detail)

    def _retry_later(self, records: list[Asked], status: str, detail: str) -> None:
        log.warning("featurizer refused for now", extra={"status": status, "detail": detail, "images": len(records)})
        asyncio.get_running_loop().call_later(RETRY_S, self.submit, records)

    def _died(self, records: list[Asked], trial: bool) -> None:
        """A connection ended with `records` unanswered."""
        if not trial:
            self._suspects.add(records)
        else:
            for record in self._suspects.died():
                detail = f"the featurizer died {self._settings.poison_attempts_max} times with this image alone"
                self._answers.refused(record, Reason.POISON, detail)
        self._send()

    async def _resolve_forever(self) -> None:
        while True:
            try:
                self._use(await self._addresses())
            except OSError as error:
                log.warning(
                    "featurizer not found", extra={"address": self._settings.featurizer_address, "why": str(error)}
                )
            await asyncio.sleep(self._settings.resolve_interval_s)

    async def _addresses(self) -> set[str]:
        name = self._settings.featurizer_address
        if name.startswith("unix:"):
            return {name}
        host, _, port = name.rpartition(":")
        found = await asyncio.get_running_loop().getaddrinfo(host, int(port), type=1)
        return {_target(*address[:2]) for *_, address in found}

    def _use(self, addresses: set[str]) -> None:
        for address in addresses - self._streams.keys():
            self._streams[address] = Stream(
                address, self._settings, self._model, self._answered, self._died, self._send
            )
        for address in self._streams.keys() - addresses:
            self._streams.pop(address).retire()


def _target(ip: str | int, port: str | int) -> str:
    return f"[{ip}]:{port}" if ":" in str(ip) else f"{ip}:{port}"
