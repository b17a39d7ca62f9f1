"""What the harness knows of an engine: how to build it, how to start it, its version."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Argv = list[str]


@dataclass(frozen=True)
class Job:
    """What one run of an engine reads and writes.

    `table` is a compacted topic of one partition. `directory` is the run's own, for state and checkpoints.
    """

    bootstrap_servers: str
    events: str
    table: str
    sink: str
    partitions: int
    directory: Path

    @property
    def arguments(self) -> Argv:
        """BOOTSTRAP EVENTS TABLE SINK PARTITIONS DIRECTORY."""
        names = (self.bootstrap_servers, self.events, self.table, self.sink)
        return [*names, str(self.partitions), str(self.directory.resolve())]


@dataclass(frozen=True)
class Engine:
    """One bar of the plot.

    `commands` gives the argv of each process that a job needs. `share` is the part of the benchmark's events that it
    is given: a slow engine's figure is as good with fewer. `partitions_max` is what its program can do right.
    """

    name: str
    version: Callable[[], str]
    prepare: Callable[[], None]
    commands: Callable[[Job], list[Argv]]
    share: float = 1.0
    partitions_max: int = 64
