"""What pods say at their HTTP port, through the API server and their kubelet: no NetworkPolicy is in the way."""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import portforward
from prometheus_client.parser import text_string_to_metric_families

from sightline.doctor.findings import one_line
from sightline.doctor.snapshot import SERVICES, Pod, Samples, Scrape
from sightline.io.cluster.connect import TIMEOUT_S, Cluster, not_opened

PORT = 8080
AT_ONCE_MAX = 16


def scrape(cluster: Cluster, pods: Iterable[Pod]) -> tuple[Scrape, ...]:
    """One answer for each pod of our services that runs, in the order of the pods."""
    ours = [each for each in pods if each.component in SERVICES and each.phase == "Running"]
    with ThreadPoolExecutor(AT_ONCE_MAX) as threads:
        return tuple(threads.map(lambda pod: _scrape(cluster, pod), ours))


def _scrape(cluster: Cluster, pod: Pod) -> Scrape:
    try:
        status, metrics, ahead_s = get(cluster, pod.name, "/metrics")
        if status != 200:
            return Scrape(pod, error=f"/metrics answers {status}")
        readyz = "" if pod.ready else get(cluster, pod.name, "/readyz")[1]
    except ApiException as error:
        return Scrape(pod, error=str(not_opened(error, "create pods/portforward")))
    except (OSError, HTTPException) as error:
        return Scrape(pod, error=one_line(f"no answer at port {PORT}: {error or type(error).__name__}"))
    try:
        return Scrape(pod, parsed(metrics), readyz.strip(), clock_ahead_s=ahead_s)
    except ValueError:
        return Scrape(pod, error=f"what port {PORT} answers at /metrics is none of Prometheus'")


def parsed(text: str) -> Samples:
    """Raises ValueError where it is not in Prometheus' text format."""
    samples: dict[str, list[tuple[Mapping[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples


def get(cluster: Cluster, pod: str, path: str) -> tuple[int, str, float | None]:
    """Status, text, and how far the pod's clock is ahead of ours. Raises ApiException, OSError or HTTPException."""
    with cluster.api() as api:
        core = client.CoreV1Api(api)
        forward = portforward(
            core.connect_get_namespaced_pod_portforward,
            pod,
            cluster.namespace,
            ports=str(PORT),
            _request_timeout=TIMEOUT_S,
        )
        with closing(forward.socket(PORT)) as socket:
            socket.settimeout(TIMEOUT_S)
            asked_s = time.time()
            socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {pod}\r\nConnection: close\r\n\r\n".encode())
            with HTTPResponse(socket) as answer:
                answer.begin()
                body = answer.read().decode(errors="replace")
            middle_s = (asked_s + time.time()) / 2
        if refused := forward.error(PORT):
            raise ConnectionError(refused)
    date = answer.getheader("Date")
    # The header is cut down to whole seconds: half of one is what is lost on average.
    ahead_s = parsedate_to_datetime(date).timestamp() + 0.5 - middle_s if date else None
    return answer.status, body, ahead_s
