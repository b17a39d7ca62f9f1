"""Which topics there are, asked from inside a joiner's pod: it may talk to the brokers and holds the passwords."""

import json

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

from sightline.doctor.findings import one_line
from sightline.doctor.snapshot import JOINER, Pod
from sightline.io.cluster.connect import Cluster, ClusterError, not_opened

COMMAND = ("python", "-m", "sightline.io.topic_sizes")
TIMEOUT_S = 30


def sizes(cluster: Cluster, pods: tuple[Pod, ...]) -> dict[str, int]:
    """Partitions by topic. Raises ClusterError where no pod can say."""
    running = [each for each in pods if each.component == JOINER and any(one.running for one in each.containers)]
    if not running:
        raise ClusterError("no stream-joiner pod runs in which to ask the brokers")
    best = max(running, key=lambda each: each.ready)
    try:
        return {str(name): int(size) for name, size in json.loads(_run(cluster, best.name)).items()}
    except ApiException as error:
        raise not_opened(error, "create pods/exec") from None
    except (ValueError, OSError) as error:
        raise ClusterError(f"the brokers can't be asked in {best.name}: {one_line(str(error))}") from None


def _run(cluster: Cluster, pod: str) -> str:
    """Standard output. Raises ApiException; ValueError with the last line of what it said where it failed."""
    with cluster.api() as api:
        core = client.CoreV1Api(api)
        running = stream(
            core.connect_get_namespaced_pod_exec,
            pod,
            cluster.namespace,
            command=list(COMMAND),
            stdin=False,
            stdout=True,
            stderr=True,
            tty=False,
            _preload_content=False,
            _request_timeout=TIMEOUT_S,
        )
        try:
            running.run_forever(timeout=TIMEOUT_S)
            out, said = running.read_stdout(timeout=1), running.read_stderr(timeout=1)
            if running.is_open() or running.returncode != 0:
                raise ValueError((said.strip().splitlines() or ["no answer"])[-1])
            return str(out)
        finally:
            running.close()
