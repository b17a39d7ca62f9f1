"""Kubernetes' objects as the values that the checks take."""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from kubernetes import client

from sightline.doctor.snapshot import Container, Job, Pod, Workload

PART_OF, NAME, INSTANCE, COMPONENT = (
    f"app.kubernetes.io/{each}" for each in ("part-of", "name", "instance", "component")
)
POOL, PIPELINE = "sightline.dev/pool", "sightline.dev/pipeline"
PRODUCT = "sightline"

OLD_END_S = 86_400
"""An end of a container longer ago says nothing of now."""

Warnings = Mapping[str, str]
"""By the name of the object: the newest event of type Warning about it."""


def pod(found: client.V1Pod, warnings: Warnings) -> Pod:
    labels, status, spec = found.metadata.labels or {}, found.status, found.spec
    conditions = {each.type: each for each in status.conditions or []}
    scheduled = conditions.get("PodScheduled")
    ready = conditions.get("Ready")
    deleted = found.metadata.deletion_timestamp
    limits = {each.name: (each.resources.limits or {}) if each.resources else {} for each in spec.containers}
    inits, mains = status.init_container_statuses or [], status.container_statuses or []
    return Pod(
        name=found.metadata.name,
        component=labels.get(COMPONENT, ""),
        phase=status.phase or "Pending",
        ready=ready is not None and ready.status == "True" and deleted is None,
        pool=labels.get(POOL, ""),
        pipeline=labels.get(PIPELINE, ""),
        node=spec.node_name or "",
        reason=status.reason or "",
        unschedulable=(scheduled.message or "") if scheduled and scheduled.status == "False" else "",
        containers=(
            *(_container(each, True, "") for each in inits),
            *(_container(each, False, limits.get(each.name, {}).get("memory", "")) for each in mains),
        ),
        warning=warnings.get(found.metadata.name, ""),
        terminating_s=time.time() - deleted.timestamp() if deleted else 0.0,
    )


def _container(status: client.V1ContainerStatus, init: bool, memory_limit: str) -> Container:
    state, last = status.state, status.last_state
    waiting = state.waiting if state else None
    ended = (state.terminated if state else None) or (last.terminated if last else None)
    if ended and _longer_ago(ended.finished_at, OLD_END_S):
        ended = None
    return Container(
        name=status.name,
        image=status.image,
        init=init,
        ready=bool(status.ready),
        running=bool(state and state.running),
        restarts=status.restart_count,
        waiting=(waiting.reason or "") if waiting else "",
        message=(waiting.message or "") if waiting else "",
        ended=(ended.reason or "") if ended else "",
        exit_code=ended.exit_code if ended else None,
        memory_limit=memory_limit,
    )


def _longer_ago(moment: datetime | None, seconds: float) -> bool:
    return moment is not None and time.time() - moment.timestamp() > seconds


def deployment(found: client.V1Deployment) -> Workload:
    status = found.status
    stuck = ""
    for each in status.conditions or []:
        if (each.type, each.status) in (("ReplicaFailure", "True"), ("Progressing", "False")):
            stuck = stuck or each.message or each.reason or each.type
    return Workload(
        **_workload("Deployment", found.metadata, found.spec.replicas),
        ready=status.ready_replicas or 0,
        updated=status.updated_replicas or 0,
        stuck=stuck,
    )


def stateful_set(found: client.V1StatefulSet, warnings: Warnings) -> Workload:
    """It has no condition for pods that can't be made: an event says so."""
    status, wanted = found.status, found.spec.replicas
    too_few = (status.replicas or 0) < (1 if wanted is None else wanted)
    return Workload(
        **_workload("StatefulSet", found.metadata, wanted),
        ready=status.ready_replicas or 0,
        updated=(status.updated_replicas or 0) if status.update_revision != status.current_revision else 1 << 30,
        stuck=warnings.get(found.metadata.name, "") if too_few else "",
    )


def _workload(kind: str, metadata: client.V1ObjectMeta, wanted: int | None) -> dict[str, Any]:
    labels = metadata.labels or {}
    return {
        "kind": kind,
        "name": metadata.name,
        "component": labels.get(COMPONENT, ""),
        "wanted": 1 if wanted is None else wanted,
        "pool": labels.get(POOL, ""),
        "pipeline": labels.get(PIPELINE, ""),
    }


def job(found: client.V1Job) -> Job:
    labels, status = found.metadata.labels or {}, found.status
    failed = [each for each in status.conditions or [] if each.type == "Failed" and each.status == "True"]
    why = (failed[0].message or failed[0].reason or "it gave up") if failed else ""
    return Job(found.metadata.name, labels.get(COMPONENT, ""), bool(status.succeeded), why)


def warnings(events: Iterable[client.CoreV1Event]) -> Warnings:
    """Events without a time are taken for old ones."""
    newest: dict[str, tuple[float, str]] = {}
    for each in events:
        name = each.involved_object.name or ""
        moment = each.last_timestamp or each.event_time or each.first_timestamp
        at = moment.timestamp() if moment else 0.0
        if at >= newest.get(name, (-1.0, ""))[0]:
            newest[name] = (at, f"{each.reason}: {each.message}")
    return {name: said for name, (_, said) in newest.items()}
