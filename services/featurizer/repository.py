"""The loaded models, and which of them a request means."""

import asyncio
import functools
import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from services.common.pulse import Pulse
from services.featurizer.errors import Fault, Refusal
from services.featurizer.metrics import Metrics
from services.featurizer.scheduler import Job, Scheduler
from services.featurizer.scoring import Scorer
from services.featurizer.settings import Settings
from sightline.batching import Batcher
from sightline.errors import ConfigError
from sightline.models import repository
from sightline.models.decode import decode
from sightline.models.engines import Choice, Engine
from sightline.models.names import did_you_mean
from sightline.models.repository import ModelVersion

log = logging.getLogger(__name__)

OpenEngine = Callable[[Path, Choice, int], Engine]
"""Version directory, wanted engine, threads -> a loaded model. Raises ConfigError naming the file at fault."""


@dataclass(frozen=True, slots=True)
class Servable:
    """One version of a model, loaded and warm."""

    name: str
    version: str
    engine: Engine
    scheduler: Scheduler

    def lacks(self, signature: str) -> Refusal | None:
        """What to answer where the model has no such signature."""
        if signature in self.engine.signatures:
            return None
        there = ", ".join(sorted(self.engine.signatures))
        detail = f"{self.name}@{self.version} has no signature {signature[:100]!r}; there is {there}"
        return Refusal(Fault.SIGNATURE_NOT_FOUND, detail)


class Repository:
    """What is loaded. A bare name means the newest loaded version."""

    def __init__(self, root: Path, servables: Iterable[Servable]) -> None:
        self._root = root
        self.servables = sorted(servables, key=lambda each: (each.name, int(each.version)))
        self._by_reference = {each.name: each for each in self.servables}
        self._by_reference |= {f"{each.name}@{each.version}": each for each in self.servables}

    def find(self, reference: str) -> Servable | Refusal:
        """`name`, `name@3`, or `name:label`, whose meaning is read anew each time: moving a label needs no restart."""
        found = self._by_reference.get(reference)
        if found is None and ":" in reference:
            try:
                labelled = repository.resolve(self._root, reference)
            except ConfigError as error:
                log.warning(str(error))
            else:
                found = self._by_reference.get(f"{labelled.name}@{labelled.version}")
        return found or self._not_found(reference)

    async def close(self) -> None:
        """Free the models. One that is stuck in a batch stays as it is: it ends with the process."""
        for each in self.servables:
            if await each.scheduler.close():
                each.engine.close()
            else:
                log.warning("model still busy at the end", extra={"model": each.name, "version": each.version})

    def _not_found(self, reference: str) -> Refusal:
        names = {each.name for each in self.servables}
        name = reference.partition("@")[0].partition(":")[0]
        hint = "" if name in names else did_you_mean(name, names)
        loaded = ", ".join(f"{each.name}@{each.version}" for each in self.servables)
        return Refusal(Fault.MODEL_NOT_FOUND, f"no model {reference[:100]!r} is loaded{hint} (loaded: {loaded})")


async def load(
    settings: Settings,
    metrics: Metrics,
    decoders: Executor,
    open_engine: OpenEngine,
    pulse: Callable[[str], Pulse] = Pulse,
) -> Repository:
    """Load and warm up what the settings name, one after the other. Raises ConfigError naming the file at fault."""
    versions = _wanted(settings)
    engines = [await asyncio.to_thread(_open, version, settings, open_engine) for version in versions]
    servables = []
    for version, engine in zip(versions, engines, strict=True):
        labels = (version.name, str(version.version), engine.name)
        size, pixels_max = engine.input_size, settings.image_pixels_max
        scorer = Scorer(engine, functools.partial(decode, size=size, pixels_max=pixels_max), decoders)
        batcher: Batcher[Job] = Batcher(batch_rows_max=settings.batch_rows_max, queue_rows_max=settings.queue_rows_max)
        scheduler = Scheduler(scorer, batcher, metrics.of_model(*labels), pulse(f"engine {version.name}"))
        servables.append(Servable(version.name, str(version.version), engine, scheduler))
    return Repository(settings.model_root, servables)


def _wanted(settings: Settings) -> list[ModelVersion]:
    references = [name.strip() for name in settings.models.split(",") if name.strip()]
    if not references:
        references = list(repository.models(settings.model_root))
    return list({repository.resolve(settings.model_root, reference): None for reference in references})


def _open(version: ModelVersion, settings: Settings, open_engine: OpenEngine) -> Engine:
    begin = time.monotonic()
    engine = open_engine(version.directory, settings.engine, settings.threads)
    engine.warm_up(settings.batch_rows_max)
    ms = round((time.monotonic() - begin) * 1e3)
    about = {"model": version.name, "version": version.version, "engine": engine.name, "input_size": engine.input_size}
    log.info("model loaded and warm", extra={**about, "threads": settings.threads, "ms": ms})
    return engine
