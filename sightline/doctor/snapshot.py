"""A release as it was read from the cluster: plain values. Times are seconds since the epoch, ages seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

JOINER, FEATURIZER, ALERTING, KAFKA, TOPICS = "stream-joiner", "featurizer", "alerting", "kafka", "topics"
SERVICES = (JOINER, FEATURIZER, ALERTING)


@dataclass(frozen=True, slots=True)
class Container:
    name: str
    image: str = ""
    init: bool = False
    ready: bool = False
    running: bool = False
    restarts: int = 0
    waiting: str = ""
    """Why it waits, as Kubernetes names it: CrashLoopBackOff, ImagePullBackOff, ..."""
    message: str = ""
    ended: str = ""
    """Why it ended the last time: Completed, Error, OOMKilled."""
    exit_code: int | None = None
    memory_limit: str = ""


@dataclass(frozen=True, slots=True)
class Pod:
    name: str
    component: str
    phase: str = "Running"
    ready: bool = True
    pool: str = ""
    pipeline: str = ""
    node: str = ""
    reason: str = ""
    """Of the pod as a whole, such as Evicted."""
    unschedulable: str = ""
    """What the scheduler says; empty where the pod has a node."""
    containers: tuple[Container, ...] = ()
    warning: str = ""
    """The newest event of type Warning about it."""
    terminating_s: float = 0.0
    """Seconds past the end of its grace period."""

    @property
    def role(self) -> str:
        """Pods of one role do the same work: all featurizers together, the joiners of one pipeline."""
        return f"{self.component} {self.pipeline}".strip()


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment or StatefulSet, with its pods counted."""

    kind: str
    name: str
    component: str
    wanted: int
    ready: int
    updated: int
    pool: str = ""
    pipeline: str = ""
    stuck: str = ""
    """Why its pods can't be made or its rollout does not end; empty where neither is so."""

    @property
    def role(self) -> str:
        return f"{self.component} {self.pipeline}".strip()


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    component: str
    succeeded: bool = False
    failed: str = ""
    """Why it gave up."""


Samples = Mapping[str, Sequence[tuple[Mapping[str, str], float]]]
"""A metric's samples by name: labels and value."""


@dataclass(frozen=True, slots=True)
class Scrape:
    """What a pod's HTTP port answered. `samples` is empty and `error` says why where it did not."""

    pod: Pod
    samples: Samples = field(default_factory=dict)
    readyz: str = ""
    error: str = ""
    clock_ahead_s: float | None = None
    """Its clock less ours, from the Date header: good to a second or so."""

    def values(self, name: str) -> Sequence[tuple[Mapping[str, str], float]]:
        return self.samples.get(name, ())


@dataclass(frozen=True, slots=True)
class Topic:
    """As the release wants it."""

    name: str
    partitions: int


@dataclass(frozen=True, slots=True)
class Certificate:
    secret: str
    """Name of the secret, and the key in it where that is not tls.crt."""
    subject: str
    not_after: float
    error: str = ""
    """Why it can't be read, where it can't."""


@dataclass(frozen=True, slots=True)
class Release:
    """`topics_there` gives a topic's partitions. None: could not be asked; `unread` says why, by what was not read."""

    namespace: str
    name: str
    now: float
    pods: tuple[Pod, ...] = ()
    workloads: tuple[Workload, ...] = ()
    jobs: tuple[Job, ...] = ()
    before: tuple[Scrape, ...] = ()
    after: tuple[Scrape, ...] = ()
    between_s: float = 1.0
    """Seconds from the first scrape to the second."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """The topic that each pipeline reads."""
    topics: tuple[Topic, ...] = ()
    topics_there: Mapping[str, int] | None = None
    certificates: tuple[Certificate, ...] | None = ()
    unread: Mapping[str, str] = field(default_factory=dict)
