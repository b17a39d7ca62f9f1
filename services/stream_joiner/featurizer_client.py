"""Images to the featurizers and predictions back: to the first pool that is ready, there to the least loaded stream.

Of equally loaded streams the one takes its turn that was sent something longest ago, or a light load would always go
to the same. A record comes back exactly once: with predictions, or with the reason why its image can't be scored.
Anything that may pass (no server, a full queue, a deadline) is tried again without end.
"""

import asyncio
import logging
import math
from collections import deque
from typing import Protocol

from services.stream_joiner.featurizer_pool import Pool, Resolve, by_dns
from services.stream_joiner.featurizer_stream import Loss, Stream
from services.stream_joiner.metrics import Metrics
from services.stream_joiner.records import Asked
from services.stream_joiner.settings import Settings
from sightline.events import Reason
from sightline.io.model_calls import REFUSED
from sightline.isolation import Suspects
from sightline.proto import featurizer_pb2 as pb
from sightline.query.planning.nodes import ModelCall

log = logging.getLogger(__name__)

RETRY_S = 0.05
REQUEST_BYTES_MAX = 8 << 20
"""Of the images of one request, if it has several: half of what a featurizer takes by default."""


class Answers(Protocol):
    """Who gets a record's answer."""

    def scored(self, record: Asked, result: pb.ImageResult, response: pb.PredictResponse) -> None: ...

    def refused(self, record: Asked, reason: Reason, detail: str) -> None: ...


class FeaturizerClient:
    """Of one model call. Use it from the event loop only."""

    def __init__(
        self, settings: Settings, metrics: Metrics, model: ModelCall, answers: Answers, resolve: Resolve = by_dns
    ) -> None:
        self._settings, self._metrics, self._model, self._answers = settings, metrics, model, answers
        self.pools = [
            Pool(each, settings.resolve_interval_s, self._make_stream, resolve) for each in settings.featurizer_pools
        ]
        for pool in self.pools[1:]:
            metrics.fell_back(pool.name, 0)
        self._used: Pool | None = None
        self._turn = 0
        self._waiting: deque[Asked] = deque()
        self._suspects: Suspects[Asked] = Suspects(settings.poison_attempts_max)

    async def start(self) -> None:
        for pool in self.pools:
            pool.start()

    async def close(self) -> None:
        for pool in self.pools:
            await pool.close()

    async def models(self) -> list[pb.Model]:
        """What the first featurizer that answers has loaded, in the order of the pools; waits for one."""
        while True:
            for stream in [stream for pool in self.pools for stream in pool.streams.values()]:
                if (found := await stream.list_models()) is not None:
                    return found
            await asyncio.sleep(0.1)

    def submit(self, records: list[Asked]) -> None:
        """Send now if a server is there; else the records wait. Never blocks: whoever submits bounds what is open."""
        self._waiting.extend(records)
        self._send()

    def _send(self) -> None:
        pool = self._pool()
        if pool is None:
            return
        if self._suspects.waiting and (idle := [each for each in pool.open if not each.in_flight]):
            # One group of suspects, alone on a stream.
            self._send_to(pool, idle[0], self._suspects.begin_trial(), trial=True)
        if not (self._waiting and (streams := self._free(pool))):
            return
        share = _share(len(self._waiting), len(streams), self._settings.request_images_max)
        while self._waiting and (streams := self._free(pool)):
            stream = min(streams, key=lambda each: (each.in_flight, each.turn))
            self._send_to(pool, stream, self._take(share))

    def _pool(self) -> Pool | None:
        """The first with an open stream. A change is logged, once."""
        pool = next((each for each in self.pools if each.open), None)
        if pool is not self._used:
            self._used = pool
            if pool is None:
                log.warning("no featurizer is ready, images wait", extra={"model": self._model.model})
            else:
                level = logging.INFO if pool is self.pools[0] else logging.WARNING
                extra = {"pool": pool.name, "preferred": self.pools[0].name, "model": self._model.model}
                log.log(level, "images go to this pool", extra=extra)
        return pool

    def _free(self, pool: Pool) -> list[Stream]:
        """Those that may be sent to. While suspects wait the least loaded one is left to run empty for them.

        What a featurizer has in its queue can't be given to another one that comes or is quicker, and past its queue's
        end it refuses: so images wait here rather than there.
        """
        streams = [each for each in pool.open if not each.on_trial]
        if self._suspects.waiting and streams:
            streams.remove(min(streams, key=lambda each: each.in_flight))
        return [each for each in streams if each.in_flight < self._settings.stream_images_max]

    def _take(self, images_max: int) -> list[Asked]:
        """The oldest that wait, at least one."""
        taken = [self._waiting.popleft()]
        size = len(taken[0].image)
        while self._waiting and len(taken) < images_max:
            size += len(self._waiting[0].image)
            if size > REQUEST_BYTES_MAX:
                break
            taken.append(self._waiting.popleft())
        return taken

    def _send_to(self, pool: Pool, stream: Stream, records: list[Asked], trial: bool = False) -> None:
        self._turn += 1
        stream.turn = self._turn
        stream.send(records, trial)
        if pool is not self.pools[0]:
            self._metrics.fell_back(pool.name, len(records))

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

    # When a connection has ended.

    def _make_stream(self, address: str, host: str) -> Stream:
        return Stream(address, host, self._settings, self._model, self._answered, self._lost, self._changed)

    def _changed(self) -> None:
        for pool in self.pools:
            if not all(each.open for each in pool.streams.values()):
                pool.look_again()
        self._send()

    def _lost(self, records: list[Asked], trial: bool, loss: Loss) -> None:
        """A connection ended with `records` unanswered."""
        if trial:
            self._end_trial(loss)
        elif loss is Loss.DIED:
            self._suspect(records)
        else:
            # A featurizer that fell silent may hang because of an image: that excuse is taken once.
            self._suspect([each for each in records if each.moved and loss is Loss.VANISHED])
            moved = [each for each in records if not (each.moved and loss is Loss.VANISHED)]
            for record in moved:
                record.moved = record.moved or loss is Loss.VANISHED
            self._waiting.extendleft(reversed(moved))
        self._changed()

    def _suspect(self, records: list[Asked]) -> None:
        """In groups that are as large as a request may be."""
        was_alone = len(records) == 1
        self._waiting, waiting = deque(records), self._waiting
        while self._waiting:
            self._suspects.add(self._take(len(records)), was_alone)
        self._waiting = waiting

    def _end_trial(self, loss: Loss) -> None:
        if loss is Loss.DRAINED:
            self._suspects.interrupted()
            return
        for record in self._suspects.died():
            detail = f"the featurizer died {self._settings.poison_attempts_max} times with this image alone"
            self._answers.refused(record, Reason.POISON, detail)


def _share(images: int, streams: int, images_max: int) -> int:
    """Images of one request, so that each stream gets as many: 300 over 3 streams are 12 requests of 25, not of 32."""
    rounds = math.ceil(images / (streams * images_max))
    return math.ceil(images / (streams * rounds))
