"""Pods and what makes them: not scheduled, no image, crashing, out of memory, not ready, too few."""

from collections.abc import Iterator, Mapping

from sightline.doctor.findings import Finding, Severity, one_line
from sightline.doctor.snapshot import SERVICES, Container, Pod, Release, Workload

CHECK = "pods"
RESTARTS_MAX = 3
TERMINATING_S_MAX = 60.0

IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")
CONFIG = ("CreateContainerConfigError", "CreateContainerError")
EXIT_CONFIG, EXIT_KILLED = 2, 137


def check(release: Release) -> Iterator[Finding]:
    serving = {pod.role for pod in release.pods if pod.ready}
    readyz = {each.pod.name: each.readyz for each in release.after}
    for workload in release.workloads:
        yield from _workload(workload, serving)
    yield from _absent(release, serving)
    for job in release.jobs:
        if job.failed:
            todo = f"kubectl logs job/{job.name}, then helm upgrade makes it anew"
            yield Finding(Severity.BROKEN, CHECK, job.name, f"the job failed: {one_line(job.failed)}", todo)
    for pod in release.pods:
        yield from _pod(pod, pod.role in serving, readyz)


def _absent(release: Release, serving: set[str]) -> Iterator[Finding]:
    """Services that nobody does any more; a pod that fails explains itself below."""
    tried = {pod.role for pod in release.pods}
    for role in dict.fromkeys(each.role for each in release.workloads if each.component in SERVICES):
        if role not in serving and role not in tried:
            names = [each.name for each in release.workloads if each.role == role]
            todo = (
                f"kubectl scale {_kind(release, names[0])}/{names[0]} --replicas=1, or set its replicas in the values"
            )
            yield Finding(Severity.BROKEN, CHECK, ", ".join(names), f"no {role} runs", todo)


def _kind(release: Release, name: str) -> str:
    return next(each.kind.lower() for each in release.workloads if each.name == name)


def _workload(workload: Workload, serving: set[str]) -> Iterator[Finding]:
    if workload.stuck:
        severity = Severity.WARNING if workload.role in serving else Severity.BROKEN
        todo = f"kubectl describe {workload.kind.lower()} {workload.name}; helm rollback if it is a new revision"
        yield Finding(severity, CHECK, workload.name, one_line(workload.stuck), todo)
    elif workload.updated < workload.wanted:
        what = f"a rollout is under way: {workload.updated} of {workload.wanted} pods are of the new revision"
        yield Finding(Severity.NOTE, CHECK, workload.name, what)


def _pod(pod: Pod, served: bool, readyz: Mapping[str, str]) -> Iterator[Finding]:
    bad = Severity.WARNING if served else Severity.BROKEN
    if pod.phase in ("Failed", "Succeeded"):
        if pod.reason:
            yield Finding(Severity.NOTE, CHECK, pod.name, f"ended: {pod.reason}", f"kubectl delete pod {pod.name}")
        return
    if pod.terminating_s > TERMINATING_S_MAX:
        what = f"should have ended {pod.terminating_s:.0f} s ago; is node {pod.node} away?"
        yield Finding(Severity.WARNING, CHECK, pod.name, what, f"kubectl describe node {pod.node}")
    if pod.unschedulable:
        yield Finding(bad, CHECK, pod.name, f"no node takes it: {one_line(pod.unschedulable)}", _place(pod))
        return
    troubles = [trouble for each in pod.containers if (trouble := _container(pod, each))]
    for what, todo in troubles:
        yield Finding(bad if not pod.ready else Severity.WARNING, CHECK, pod.name, what, todo)
    if not pod.ready and not troubles:
        yield _not_ready(pod, bad, readyz.get(pod.name, ""))


def _place(pod: Pod) -> str:
    said = pod.unschedulable
    if "gpu" in said.lower():
        return (
            "add a node that offers it, or set featurizer.pools.gpu.enabled=false; see sightline's docs/kubernetes.md"
        )
    if "persistentvolumeclaim" in said.lower():
        return "give the claim a storage class or a volume: kubectl get pvc"
    if "Insufficient" in said:
        return "add a node, or lower resources.requests in the values"
    return (
        "compare nodeSelector, affinity and tolerations in the values with the nodes: kubectl get nodes --show-labels"
    )


def _container(pod: Pod, each: Container) -> tuple[str, str] | None:
    """What is wrong with it and what to do."""
    where = f"init container {each.name}" if each.init else each.name
    logs = f"kubectl logs {pod.name} -c {each.name} --previous"
    if each.waiting in IMAGE:
        what = f"the image can't be had: {each.image}: {one_line(each.message) or each.waiting}"
        return what, "check image.registry, image.tag and imagePullSecrets in the values"
    if each.waiting in CONFIG:
        return f"{where} can't start: {one_line(each.message) or each.waiting}", "make the secret or ConfigMap it names"
    if each.ended == "OOMKilled":
        limit = f" (limit {each.memory_limit})" if each.memory_limit else ""
        return f"{where} was killed for memory{limit}, {each.restarts} restarts", "raise resources.limits.memory"
    if each.waiting == "CrashLoopBackOff":
        return f"{where} ends again and again{_how(each)}, {each.restarts} restarts", logs
    if each.ready and each.restarts >= RESTARTS_MAX and not each.init:
        return f"{where} was restarted {each.restarts} times{_how(each)}", logs
    return None


def _how(each: Container) -> str:
    if each.exit_code == EXIT_CONFIG:
        return " with exit code 2: a setting, pipeline or rule is refused"
    if each.exit_code == EXIT_KILLED:
        return " with exit code 137: it was killed, by a failed liveness probe or for memory"
    return "" if each.exit_code is None else f" with exit code {each.exit_code}"


def _not_ready(pod: Pod, severity: Severity, readyz: str) -> Finding:
    if said := one_line(readyz):
        return Finding(severity, CHECK, pod.name, f"not ready: {said}", f"kubectl logs {pod.name}")
    waiting = [f"{each.name} {each.waiting}" for each in pod.containers if each.waiting]
    running = [f"init container {each.name} runs" for each in pod.containers if each.init and each.running]
    why = one_line(pod.warning) or ", ".join(running or waiting) or pod.phase.lower()
    return Finding(severity, CHECK, pod.name, f"not ready: {why}", f"kubectl describe pod {pod.name}")
