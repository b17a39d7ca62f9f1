"""The API server, and what it refuses in words that name what is missing."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from sightline.doctor.findings import one_line
from sightline.errors import SightlineError

TIMEOUT_S = 10

T = TypeVar("T")


class ClusterError(SightlineError):
    """The cluster can't be read; the message says what to do."""


class ForbiddenError(ClusterError):
    """The user has no right to this. The message names verb and resource."""


class AbsentError(ClusterError):
    """What was asked for by its name is not there."""


class Cluster:
    """One API server and a namespace in it. Clients are made anew for a thread: they may not be shared."""

    def __init__(self, configuration: client.Configuration, namespace: str) -> None:
        configuration.retries = urllib3.Retry(1, redirect=0)  # type: ignore[assignment,unused-ignore]
        self.configuration, self.namespace = configuration, namespace

    @contextmanager
    def api(self) -> Iterator[client.ApiClient]:
        with client.ApiClient(self.configuration) as api:
            try:
                yield api
            finally:
                api.rest_client.pool_manager.clear()  # closing the client leaves its connections open


def connect(context: str | None = None, namespace: str | None = None) -> Cluster:
    """By KUBECONFIG, else ~/.kube/config, else as a pod. Raises ClusterError where there is none."""
    configuration = client.Configuration()
    try:
        config.load_kube_config(context=context, client_configuration=configuration)
        _, active = config.list_kube_config_contexts()
        usual = active["context"].get("namespace") if not context else _namespace_of(context)
    except config.ConfigException as error:
        try:
            config.load_incluster_config(client_configuration=configuration)
        except config.ConfigException:
            todo = "set KUBECONFIG to its file, or try `kubectl get pods` first"
            raise ClusterError(f"no cluster to look at: {one_line(str(error))}; {todo}") from None
        usual = None
    return Cluster(configuration, namespace or usual or "default")


def _namespace_of(context: str) -> str | None:
    contexts, _ = config.list_kube_config_contexts()
    found: list[str | None] = [each["context"].get("namespace") for each in contexts if each["name"] == context]
    return found[0] if found else None


def asked(ask: Callable[[], T], what: str) -> T:
    """The answer. Raises ForbiddenError, AbsentError or ClusterError; `what` is such as "list pods"."""
    try:
        return ask()
    except ApiException as error:
        said = _said(error)
        if error.status == 403:
            raise ForbiddenError(f"you may not {what}: {said}") from None
        if error.status == 404:
            raise AbsentError(f"can't {what}: {said}") from None
        if error.status == 401:
            raise ClusterError(f"the API server does not know you: log in again ({said})") from None
        raise ClusterError(f"can't {what}: {said}") from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        why = getattr(error, "reason", None) or error
        raise ClusterError(f"the API server does not answer: {one_line(str(why))}") from None


def not_opened(error: ApiException, right: str) -> ClusterError:
    """Of a WebSocket, such as a port-forward: the client has its HTTP status in the text alone."""
    said = str(error.reason)
    if error.status == 403 or "403" in said.partition("-+-")[0]:
        return ForbiddenError(f"you may not {right}")
    return ClusterError(f"can't {right}: {one_line(said.partition('-+-')[0])}")


def _said(error: ApiException) -> str:
    try:
        return one_line(str(json.loads(error.body or "")["message"]))
    except (ValueError, KeyError, TypeError):
        return one_line(f"{error.status} {error.reason}")
