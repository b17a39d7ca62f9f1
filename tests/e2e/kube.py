"""What the tests ask of a cluster, through the official Python client."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

WAIT_S = 180.0
_PERIOD_S = 0.25

T = TypeVar("T")
Pod = Any  # client.V1Pod


def eventually(condition: Callable[[], T | None], timeout_s: float = WAIT_S, what: str = "the condition") -> T:
    """The first true answer. An API server that does not answer just now is asked again."""
    deadline = time.monotonic() + timeout_s
    while True:
        trouble = ""
        try:
            if answer := condition():
                return answer
        except (ApiException, urllib3.exceptions.HTTPError, OSError) as error:
            trouble = f" ({error})"
        assert time.monotonic() < deadline, f"still not so after {timeout_s:.0f} s: {what}{trouble}"
        time.sleep(_PERIOD_S)


class Kube:
    """One namespace of a cluster."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self.kubeconfig, self.namespace = kubeconfig, namespace
        self._api = api = self.new_client()
        # Any: in the client's types everything may be None, down to an object's name.
        self.core: Any = client.CoreV1Api(api)
        self.apps: Any = client.AppsV1Api(api)
        self.batch: Any = client.BatchV1Api(api)
        self.policy: Any = client.PolicyV1Api(api)

    def new_client(self) -> Any:
        return config.new_client_from_config(config_file=str(self.kubeconfig))

    def close(self) -> None:
        self._api.close()

    def create_namespace(self, security: str = "restricted") -> None:
        """With the level of Pod Security that is enforced in it."""
        labels = {"pod-security.kubernetes.io/enforce": security}
        self.core.create_namespace(client.V1Namespace(metadata={"name": self.namespace, "labels": labels}))

    def delete_namespace(self, wait: bool = True) -> None:
        """One that is not there is no error."""
        try:
            self.core.delete_namespace(self.namespace)
        except ApiException as error:
            if error.status != 404:
                raise
        if wait:
            eventually(lambda: self.namespace not in self.namespaces(), what=f"the end of namespace {self.namespace}")

    def namespaces(self) -> set[str]:
        return {each.metadata.name for each in self.core.list_namespace().items}

    def kubectl(self, *arguments: str, stdin: str = "", timeout_s: float = 120) -> str:
        """For what the client has no call for. Raises RuntimeError with what it complained of."""
        argv = ["kubectl", f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}", *arguments]
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=timeout_s, check=False)
        if done.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Objects of any kind, server-side."""
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=listed)

    def pods(self, **labels: str) -> list[Pod]:
        """Those neither finished nor going away; `component="kafka"` is short for app.kubernetes.io/component."""
        names = {"component": "app.kubernetes.io/component", "pool": "sightline.dev/pool"}
        selector = ",".join(f"{names.get(key, key)}={value}" for key, value in labels.items())
        pods = self.core.list_namespaced_pod(self.namespace, label_selector=selector).items
        finished = ("Succeeded", "Failed")
        return [pod for pod in pods if not pod.metadata.deletion_timestamp and pod.status.phase not in finished]

    def ready_pods(self, **labels: str) -> list[Pod]:
        return [pod for pod in self.pods(**labels) if is_ready(pod)]

    def wait_ready(self, count: int, timeout_s: float = WAIT_S, **labels: str) -> list[Pod]:
        """Exactly `count` pods, all of them ready."""

        def settled() -> list[Pod]:
            pods = self.pods(**labels)
            return pods if len(pods) == count and all(map(is_ready, pods)) else []

        if count == 0:
            eventually(lambda: not self.pods(**labels), timeout_s, f"no pod {labels}")
            return []
        return eventually(settled, timeout_s, f"{count} ready pods {labels}")

    def delete_pod(self, pod: Pod, grace_s: int | None = None) -> None:
        """`grace_s` 0 is a kill: the API server forgets it at once, the kubelet ends it with SIGKILL."""
        options = {} if grace_s is None else {"grace_period_seconds": grace_s}
        self.core.delete_namespaced_pod(pod.metadata.name, self.namespace, **options)


def is_ready(pod: Pod) -> bool:
    conditions = pod.status.conditions or []
    return any(each.type == "Ready" and each.status == "True" for each in conditions)
