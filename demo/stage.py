"""Everything that runs beside the demo itself: the broker and the three services, each a process of its own.

They are started from the main thread only: Linux ends a child with the THREAD that started it, and that is what makes
even a kill -9 of the demo leave nothing behind.
"""

import shutil
import signal
import time
from pathlib import Path
from types import TracebackType

from sightline.io import kafka
from tools.kafka import Broker
from tools.processes import Process, ProcessError
from tools.services import Service

_STOP_TIMEOUT_S = 15


class Stage:
    """Leaving the `with` block stops whatever was started, those who consume first; a second Ctrl-C kills."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._running: list[Process] = []
        self._broker: Broker | None = None

    def process(self, name: str, *argv: object) -> Process:
        """Any further child, stopped with the others; its log is `<name>.log`."""
        process = Process(name, [str(part) for part in argv], self.directory / f"{name}.log")
        self._running.append(process)
        return process

    def service(self, name: str, **arguments: object) -> Service:
        flags = [f"--{flag.replace('_', '-')}={value}" for flag, value in arguments.items()]
        service = Service(name, self.directory / f"{name}.log", *flags)
        self._running.append(service)
        return service

    def broker(self) -> str:
        """Starts it and makes the topics. Returns the bootstrap servers."""
        self._broker = Broker(self.directory / "kafka")
        self._broker.start()
        kafka.create_topics(kafka.admin(self._broker.bootstrap_servers), kafka.topics())
        return self._broker.bootstrap_servers

    @property
    def broker_pid(self) -> int:
        """Raises ProcessError where none was started."""
        if self._broker is None:
            raise ProcessError("no broker was started")
        return self._broker.pid

    def check(self) -> None:
        """Raises ProcessError if one of the services has ended by itself."""
        for process in self._running:
            if isinstance(process, Service) and process.exit_code is not None:
                raise ProcessError(f"{process.name} ended with exit code {process.exit_code}\n{process.log_tail()}")

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        def kill_all(*_: object) -> None:
            for process in self._running:
                process.send(signal.SIGKILL)

        for sig in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sig, kill_all)
        for process in self._running:
            process.send(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        for process in self._running:
            while process.exit_code is None and time.monotonic() < deadline:
                time.sleep(0.02)
            process.kill()
        if self._broker:
            # Nothing that it holds is wanted any more: no need to wait for an orderly end.
            self._broker.kill()
        shutil.rmtree(self.directory / "kafka" / "data", ignore_errors=True)
