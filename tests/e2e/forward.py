"""A pod's port on this machine, by `kubectl port-forward`."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.kube import Kube, Pod
from tools.processes import Process, free_port

_TIMEOUT_S = 30


@contextmanager
def forwarded(kube: Kube, pod: Pod, port: int, local: int = 0) -> Iterator[int]:
    """The local port; `local` 0: any free one. It ends with the pod."""
    local = local or free_port()
    argv = ["kubectl", f"--kubeconfig={kube.kubeconfig}", f"--namespace={kube.namespace}"]
    argv += ["port-forward", f"pod/{pod.metadata.name}", f"{local}:{port}"]
    with tempfile.TemporaryDirectory() as folder:
        process = Process("port-forward", argv, Path(folder) / "log")
        try:
            process.wait_until(lambda: answers(local), _TIMEOUT_S)
            yield local
        finally:
            process.kill()


def answers(port: int) -> bool:
    """Whether somebody listens there on this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
