"""One broker and the engines run against it, one after the other; nothing outlives the `with` block."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from confluent_kafka.admin import AdminClient

from benchmarks.peers.engine import Engine, Job
from benchmarks.peers.usage import Usage
from sightline.io import kafka
from tools.kafka import Broker
from tools.processes import Process, ProcessError

# Records keep their event times, which lie in the past: nothing may be deleted for its age. Kafka's own delay before a
# new group's first assignment, so that processes started together share the partitions from the first record on.
_BROKER = "log.retention.ms=-1\nlog.segment.bytes=268435456\ngroup.initial.rebalance.delay.ms=3000\n"


class Run:
    """An engine at work."""

    def __init__(self, engine: Engine, processes: list[Process], usage: Usage) -> None:
        self.engine, self.processes, self.usage = engine, processes, usage

    def check(self) -> None:
        """Raises ProcessError if a process of the engine has ended by itself."""
        for process in self.processes:
            if process.exit_code is not None:
                raise ProcessError(f"{process.name} ended with exit code {process.exit_code}\n{process.log_tail()}")


class Rig:
    """A broker under `directory`.

    `pinned`: the engines have one core, and everything else, the broker and this process included, has the others.
    """

    def __init__(self, directory: Path, pinned: bool) -> None:
        self.directory = directory
        self._all_cores = os.sched_getaffinity(0)
        self._pinned = pinned and len(self._all_cores) > 1
        self._broker = Broker(directory / "kafka", _BROKER)
        self._runs = 0

    @property
    def bootstrap_servers(self) -> str:
        return self._broker.bootstrap_servers

    @property
    def admin(self) -> AdminClient:
        return kafka.admin(self.bootstrap_servers)

    def __enter__(self) -> "Rig":
        shutil.rmtree(self.directory, ignore_errors=True)
        if self._pinned:
            os.sched_setaffinity(0, self._all_cores - {min(self._all_cores)})
        try:
            self._broker.start()
            kafka.create_topics(self.admin, [kafka.Topic("dead-letters")])
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._broker.kill()
        os.sched_setaffinity(0, self._all_cores)
        shutil.rmtree(self.directory / "kafka" / "data", ignore_errors=True)

    def create_topic(self, name: str, partitions: int = 1, cleanup: str = "delete") -> str:
        kafka.create_topics(self.admin, [kafka.Topic(name, partitions, {"cleanup.policy": cleanup})])
        return name

    def job(self, engine: Engine, events: str, table: str, partitions: int) -> Job:
        """A run's own sink topic and folder."""
        self._runs += 1
        name = f"{engine.name}-{self._runs}"
        directory = self.directory / name
        directory.mkdir(parents=True)
        return Job(self.bootstrap_servers, events, table, self.create_topic(f"out-{name}"), partitions, directory)

    @contextmanager
    def run(self, engine: Engine, job: Job) -> Iterator[Run]:
        """The engine's processes, ended with the block: by SIGKILL, since nothing that they hold is wanted."""
        prefix = ["taskset", "-c", str(min(self._all_cores))] if self._pinned else []
        processes: list[Process] = []
        try:
            for index, argv in enumerate(engine.commands(job)):
                log = job.directory / f"process-{index}.log"
                processes.append(Process(engine.name, [*prefix, *argv], log))
            usage = Usage(process.pid for process in processes)
            try:
                yield Run(engine, processes, usage)
            finally:
                usage.stop()
        finally:
            for process in processes:
                process.kill()
