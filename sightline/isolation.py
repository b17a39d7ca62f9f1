"""Find the job that kills its server, and spare the others.

When a connection dies, everything in flight on it is suspect. Suspects are tried again by groups, one group at a time
on a connection that carries nothing else; a group that dies again is halved, and a job that was alone in
`attempts_max` dead calls is guilty. Pure bookkeeping: whoever holds the connections says what happened.
"""

from collections import deque
from typing import Generic, NamedTuple, TypeVar

Job = TypeVar("Job")

ATTEMPTS_MAX = 3


class _Group(NamedTuple, Generic[Job]):
    jobs: list[Job]
    deaths_alone: int


class Suspects(Generic[Job]):
    def __init__(self, attempts_max: int = ATTEMPTS_MAX) -> None:
        self._attempts_max = attempts_max
        self._groups: deque[_Group[Job]] = deque()
        self._trial: _Group[Job] | None = None

    def __bool__(self) -> bool:
        return bool(self._groups or self._trial)

    @property
    def waiting(self) -> bool:
        """A group could be tried now: there is one, and no trial is under way."""
        return bool(self._groups) and self._trial is None

    def begin_trial(self) -> list[Job]:
        """The group to send next, alone. Only while `waiting`."""
        self._trial = self._groups.popleft()
        return self._trial.jobs

    def survived(self) -> None:
        """The trial was answered, whatever the answer."""
        self._trial = None

    def interrupted(self) -> None:
        """The trial has ended by no fault of its jobs: they are tried again as they were."""
        assert self._trial is not None
        self._groups.appendleft(self._trial)
        self._trial = None

    def add(self, in_flight: list[Job], was_alone: bool | None = None) -> None:
        """A connection died with these in flight. One that was alone has its first dead call behind it.

        `was_alone` says so where the group is a part of what was in flight.
        """
        if in_flight:
            self._groups.append(_Group(in_flight, int(len(in_flight) == 1 if was_alone is None else was_alone)))

    def died(self) -> list[Job]:
        """The trial's connection died. Returns the jobs now known to be guilty: none, or the one of the trial."""
        assert self._trial is not None
        (jobs, deaths_alone), self._trial = self._trial, None
        if len(jobs) > 1:
            middle = len(jobs) // 2
            self._groups.extendleft([_Group(jobs[middle:], 0), _Group(jobs[:middle], 0)])
            return []
        if deaths_alone + 1 >= self._attempts_max:
            return jobs
        self._groups.appendleft(_Group(jobs, deaths_alone + 1))
        return []
