"""One release, read: objects first, then what its pods say, twice with some seconds between."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import yaml
from kubernetes import client

from sightline.doctor.snapshot import Certificate, Release, Topic
from sightline.io.cluster import http, objects, secrets, topics
from sightline.io.cluster.connect import TIMEOUT_S, Cluster, ClusterError, asked

T = TypeVar("T")


class NoReleaseError(ClusterError):
    """There is none of that name."""


def releases(cluster: Cluster) -> list[str]:
    """Names of the releases in the namespace. Raises ForbiddenError or ClusterError."""
    with cluster.api() as api:
        found = _list(client.AppsV1Api(api), "deployment", cluster, f"{objects.PART_OF}={objects.PRODUCT}")
    return sorted({(each.metadata.labels or {}).get(objects.INSTANCE, "") for each in found} - {""})


def elsewhere(cluster: Cluster) -> list[str]:
    """Releases of all namespaces, as namespace/name; empty where the user may not look."""
    selector = f"{objects.PART_OF}={objects.PRODUCT}"
    with cluster.api() as api:
        apps = client.AppsV1Api(api)
        ask = partial(apps.list_deployment_for_all_namespaces, label_selector=selector, _request_timeout=TIMEOUT_S)
        try:
            found = asked(ask, "list deployments").items
        except ClusterError:
            return []
    named = {(each.metadata.namespace, (each.metadata.labels or {}).get(objects.INSTANCE)) for each in found}
    return sorted(f"{namespace}/{name}" for namespace, name in named)


def the_release(cluster: Cluster, name: str | None) -> str:
    """The one that is meant. Raises NoReleaseError, which lists those that there are."""
    there = releases(cluster)
    if name in there:
        return name
    if name is None and len(there) == 1:
        return there[0]
    where = f"namespace {cluster.namespace}"
    if there:
        meant = f"no release {name} in {where}" if name else f"several releases in {where}"
        raise NoReleaseError(f"{meant}; there is {', '.join(there)}: choose with --release")
    others = elsewhere(cluster)
    todo = f"there is {', '.join(others)}: choose with --namespace" if others else "install it: docs/kubernetes.md"
    raise NoReleaseError(f"no release of Sightline in {where}; {todo}")


def read(cluster: Cluster, name: str, between_s: float) -> Release:
    """Raises ForbiddenError or ClusterError for what nothing works without; the rest is named in `unread`."""
    selector = f"{objects.PART_OF}={objects.PRODUCT},{objects.INSTANCE}={name}"
    unread: dict[str, str] = {}
    with cluster.api() as api:
        core, apps, batch = client.CoreV1Api(api), client.AppsV1Api(api), client.BatchV1Api(api)
        ask = partial(_list, cluster=cluster, selector=selector)
        deployments, sets = ask(apps, "deployment"), ask(apps, "stateful_set")
        pods = _list(core, "pod", cluster, _of_pods([*deployments, *sets], name))
        jobs = _try(lambda: ask(batch, "job"), unread, "jobs") or []
        maps = _try(lambda: ask(core, "config_map"), unread, "ConfigMaps") or []
        events = _try(lambda: _warnings(core, cluster), unread, "events") or {}
    found = tuple(objects.pod(each, events) for each in pods)
    before, began_s = http.scrape(cluster, found), time.monotonic()
    there = _try(lambda: topics.sizes(cluster, found), unread, "topics")
    certificates: tuple[Certificate, ...] | None = _try(
        lambda: secrets.certificates(cluster, secrets.mounted(pods)), unread, "certificates"
    )
    time.sleep(max(0.0, began_s + between_s - time.monotonic()))  # what grows is seen by looking twice
    passed_s = time.monotonic() - began_s
    return Release(
        namespace=cluster.namespace,
        name=name,
        now=time.time(),
        pods=found,
        workloads=(
            *(objects.stateful_set(each, events) for each in sets),
            *(objects.deployment(each) for each in deployments),
        ),
        jobs=tuple(objects.job(each) for each in jobs),
        before=before,
        after=http.scrape(cluster, found),
        between_s=max(passed_s, 0.001),
        sources=_sources(maps),
        topics=_topics(maps),
        topics_there=there,
        certificates=certificates,
        unread=unread,
    )


def _list(api: Any, kind: str, cluster: Cluster, selector: str) -> list[Any]:
    ask = partial(
        getattr(api, f"list_namespaced_{kind}"),
        cluster.namespace,
        label_selector=selector,
        _request_timeout=TIMEOUT_S,
    )
    plural = kind.replace("_", "") + "s"
    return list(asked(ask, f"list {plural} in namespace {cluster.namespace}").items)


def _of_pods(workloads: list[Any], release: str) -> str:
    """Pods carry what selects them and no more: not which product they are part of. The chart's name can be changed."""
    named = {(each.metadata.labels or {}).get(objects.NAME, "") for each in workloads} - {""}
    return f"{objects.INSTANCE}={release},{objects.NAME} in ({','.join(sorted(named))})"


def _warnings(core: client.CoreV1Api, cluster: Cluster) -> objects.Warnings:
    ask = partial(
        core.list_namespaced_event, cluster.namespace, field_selector="type=Warning", _request_timeout=TIMEOUT_S
    )
    return objects.warnings(asked(ask, "list events").items)


def _try(ask: Callable[[], T], unread: dict[str, str], what: str) -> T | None:
    try:
        return ask()
    except ClusterError as error:
        unread[what] = str(error)
        return None


def _documents(maps: list[client.V1ConfigMap]) -> list[Mapping[str, Any]]:
    """The YAML files in the release's ConfigMaps; what is none is no business of ours."""
    found: list[Mapping[str, Any]] = []
    for each in maps:
        for name, text in (each.data or {}).items():
            if name.endswith((".yaml", ".yml")):
                try:
                    document = yaml.safe_load(text)
                except yaml.YAMLError:
                    continue
                if isinstance(document, dict):
                    found.append(document)
    return found


def _topics(maps: list[client.V1ConfigMap]) -> tuple[Topic, ...]:
    listed = [each["topics"] for each in _documents(maps) if isinstance(each.get("topics"), list)]
    return tuple(Topic(str(one["name"]), int(one.get("partitions", 1))) for each in listed for one in each)


def _sources(maps: list[client.V1ConfigMap]) -> dict[str, str]:
    pipelines = [each for each in _documents(maps) if isinstance(each.get("sources"), dict) and "name" in each]
    return {
        str(each["name"]): str(source.get("topic", ""))
        for each in pipelines
        for source in each["sources"].values()
        if isinstance(source, dict)
    }
