"""Commands in containers."""

import time
from typing import Any

import yaml
from kubernetes import client
from kubernetes.stream import stream
from kubernetes.stream.ws_client import ERROR_CHANNEL, STDERR_CHANNEL, STDOUT_CHANNEL

from tests.e2e.kube import Kube

_CHUNK = 128 << 10
# Reads as many bytes as it is told, since a socket of exec has no end of file, and unpacks them.
_UNPACK = """
import io, sys, tarfile
data = sys.stdin.buffer.read(int(sys.argv[1]))
tarfile.open(fileobj=io.BytesIO(data)).extractall(sys.argv[2])
"""


class ExecError(RuntimeError):
    """A command ended with another code than 0, or not in time."""


def execute(kube: Kube, pod: str, *command: str, stdin: bytes = b"", timeout_s: float = 120) -> str:
    """Runs `command` in a pod's (first) container and returns what it printed. Raises ExecError."""
    # A client of its own: `stream` replaces a method of the client while it connects.
    with kube.new_client() as api:
        socket: Any = stream(
            client.CoreV1Api(api).connect_get_namespaced_pod_exec, pod, kube.namespace, command=list(command),
            stdin=bool(stdin), stdout=True, stderr=True, tty=False, binary=True, _preload_content=False,
        )  # fmt: skip
    try:
        for begin in range(0, len(stdin), _CHUNK):
            socket.write_stdin(stdin[begin : begin + _CHUNK])
        return _answer(socket, time.monotonic() + timeout_s, " ".join(command)[:200])
    finally:
        socket.close()
        socket.sock.shutdown()  # `close` leaves it open where the other side was first


def _answer(socket: Any, deadline: float, command: str) -> str:
    printed: dict[int, bytes] = {STDOUT_CHANNEL: b"", STDERR_CHANNEL: b"", ERROR_CHANNEL: b""}
    while socket.is_open():
        if time.monotonic() > deadline:
            raise ExecError(f"{command}: not ended in time\n{printed[STDERR_CHANNEL][-2000:].decode()}")
        socket.update(timeout=1)
        for channel in printed:
            printed[channel] += socket.read_channel(channel)
    for channel in printed:
        printed[channel] += socket.read_channel(channel)
    status = yaml.safe_load(printed[ERROR_CHANNEL]) or {"status": "the connection ended"}
    if status["status"] != "Success":
        raise ExecError(f"{command}: {status.get('message', status)}\n{printed[STDERR_CHANNEL][-2000:].decode()}")
    return printed[STDOUT_CHANNEL].decode()


def unpack(kube: Kube, pod: str, archive: bytes, folder: str, python: str = "python") -> None:
    """A tar archive's files into a folder of the container."""
    execute(kube, pod, python, "-c", _UNPACK, str(len(archive)), folder, stdin=archive)
