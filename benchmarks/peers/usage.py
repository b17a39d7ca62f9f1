"""CPU and memory of a process with all its descendants, from /proc."""

import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_TICKS_A_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_EVERY_S = 0.2


class Sample(NamedTuple):
    """`cpu_s` is user and system time since the processes began; `rss_bytes` what they hold now."""

    at: float
    cpu_s: float
    rss_bytes: int


class Usage:
    """Samples of some processes, taken in the background until `stop`."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = list(pids)
        self.samples = [self.now()]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def now(self) -> Sample:
        parents, stats = _read_all()
        ticks = pages = 0
        for pid in _trees(self._pids, parents):
            own, held = stats[pid]
            ticks, pages = ticks + own, pages + held
        return Sample(time.monotonic(), ticks / _TICKS_A_S, pages * _PAGE_BYTES)

    def cpu_s_at(self, at: float) -> float:
        """CPU seconds used until `at`, a monotonic time: those of the first sample after it."""
        after = [sample for sample in self.samples if sample.at >= at]
        return (after[0] if after else self.samples[-1]).cpu_s

    def cpu_s_in_last(self, seconds: float) -> float:
        newest = self.samples[-1]
        return newest.cpu_s - self.cpu_s_at(newest.at - seconds)

    @property
    def rss_bytes_peak(self) -> int:
        return max(sample.rss_bytes for sample in self.samples)

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._stopping.wait(_EVERY_S):
            self.samples.append(self.now())


def _read_all() -> tuple[dict[int, int], dict[int, tuple[int, int]]]:
    """Of every process its parent; and its ticks (with those of children it has waited for) and resident pages."""
    parents, stats = {}, {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = text[text.rindex(")") + 2 :].split()
        parents[int(folder.name)] = int(fields[1])
        stats[int(folder.name)] = (sum(map(int, fields[11:15])), int(fields[21]))
    return parents, stats


def _trees(roots: Iterable[int], parents: dict[int, int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    waiting = [pid for pid in roots if pid in parents]
    while waiting:
        pid = waiting.pop()
        found.add(pid)
        waiting += children.get(pid, [])
    return found
