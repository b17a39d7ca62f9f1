"""kill -9 for the processes of a pod, from a pod on the same node that sees the node's processes."""

import uuid
from typing import Any

from tests.e2e.cluster.player_pod import manifest
from tests.e2e.execs import execute
from tests.e2e.kube import Kube, Pod

# A process belongs to the pod whose uid its cgroups name, with - or _ between the parts. Its sandbox, `pause`, stays.
_KILL = """
import glob, os, signal, sys
for path in glob.glob("/proc/[0-9]*/cgroup"):
    try:
        text, pid = open(path).read().replace("_", "-"), int(path.split("/")[2])
        name = open(f"/proc/{pid}/comm").read().strip()
        if sys.argv[1] in text and name != "pause":
            os.kill(pid, signal.SIGKILL)
            print(pid)
    except OSError:
        pass
"""


class Killer:
    """In a namespace of its own, since the strict Pod Security of the release's forbids what it needs."""

    def __init__(self, kube: Kube, image: str) -> None:
        self._kube, self._image = kube, image
        self._pods: dict[str, str] = {}

    def kill(self, pod: Pod) -> None:
        """Every process of ours in it, with SIGKILL."""
        if not (name := self._pods.get(pod.spec.node_name)):
            name = self._pods[pod.spec.node_name] = f"killer-{uuid.uuid4().hex[:6]}"
            self._kube.apply(self._manifest(name, pod.spec.node_name))
            self._kube.wait_ready(1, app=name)
        killed = execute(self._kube, name, "python", "-c", _KILL, pod.metadata.uid)
        assert killed.split(), f"no process of {pod.metadata.name} was found"

    def _manifest(self, name: str, node: str) -> dict[str, Any]:
        pod = manifest(self._image, name)
        pod["spec"] |= {"hostPID": True, "nodeName": node, "tolerations": [{"operator": "Exists"}]}
        return pod
