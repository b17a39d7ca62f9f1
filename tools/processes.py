"""Child processes that never outlive us: used by the demo, the tests and the benchmarks."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def _dying_with_parent(argv: Sequence[str]) -> list[str]:
    """Linux: the kernel kills the child when we die, however we die. By a launcher, not by code between fork and exec:
    in a process with gRPC's threads that code may never get to run.
    """
    launcher = shutil.which("setpriv")
    return [launcher, "--pdeathsig", "KILL", *argv] if launcher else list(argv)


def free_port() -> int:
    """A TCP port on the loopback address that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ProcessError(RuntimeError):
    """A child did not start, or ended by itself; the message ends with the last lines of its log."""


class Process:
    """One child in a process group of its own, so that Ctrl-C reaches us alone and we decide the order of stopping."""

    def __init__(self, name: str, argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.name, self.log = name, log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            self._child = subprocess.Popen(
                _dying_with_parent(argv),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._child.poll()

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Raises ProcessError if the child ends first or `ready` is not true in time."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if self.exit_code is not None:
                raise ProcessError(f"{self.name} ended with exit code {self.exit_code}\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise ProcessError(f"{self.name} was not ready after {timeout_s:.0f} s\n{self.log_tail()}")
            time.sleep(0.05)

    def log_tail(self, lines: int = 15) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:]) + f"\n(whole log: {self.log})"

    def send(self, sig: signal.Signals) -> None:
        if self.exit_code is None:
            self._child.send_signal(sig)

    def stop(self, timeout_s: float = 20) -> int:
        """SIGTERM, then SIGKILL past `timeout_s`. Returns the exit code."""
        self.send(signal.SIGTERM)
        try:
            return self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        self.send(signal.SIGKILL)
        return self._child.wait()

    def wait(self, timeout_s: float = 60) -> int:
        """The exit code, once it has ended by itself. Raises subprocess.TimeoutExpired."""
        return self._child.wait(timeout_s)
