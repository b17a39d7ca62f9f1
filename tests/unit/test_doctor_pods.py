"""What the doctor says of pods and what makes them: a case a line, by severity and the words that must be there."""

from dataclasses import replace

import pytest

from sightline.doctor import pods
from sightline.doctor.findings import Finding, Severity
from sightline.doctor.snapshot import Container, Job, Pod, Release, Scrape, Workload

WELL = Container("featurizer", "sightline/featurizer-cpu:1", ready=True, running=True)
GOOD = Pod("f-1", "featurizer", pool="cpu", node="a", containers=(WELL,))
POOL = Workload("Deployment", "s-featurizer-cpu", "featurizer", wanted=1, ready=1, updated=1, pool="cpu")


def bad(**changes: object) -> Pod:
    return replace(GOOD, **({"name": "f-2", "ready": False, "phase": "Pending"} | changes))  # type: ignore[arg-type]


def with_container(**changes: object) -> Pod:
    phase = "Pending" if "waiting" in changes else "Running"
    container = replace(WELL, **({"ready": False, "running": False} | changes))  # type: ignore[arg-type]
    return bad(containers=(container,), phase=phase)


NO_GPU = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu."
NO_IMAGE = with_container(
    waiting="ImagePullBackOff", message="Back-off pulling image", image="sightline/featurizer-cpu:2"
)

CASES = {
    "no node with a GPU": (bad(unschedulable=NO_GPU), ["2 Insufficient nvidia.com/gpu", "pools.gpu.enabled"]),
    "no node large enough": (bad(unschedulable="0/1 nodes are available: 1 Insufficient cpu."), ["requests"]),
    "no node with the label": (bad(unschedulable="1 node(s) didn't match Pod's node selector"), ["nodeSelector"]),
    "no volume": (bad(unschedulable="pod has unbound immediate PersistentVolumeClaims"), ["kubectl get pvc"]),
    "no image": (NO_IMAGE, ["sightline/featurizer-cpu:2", "Back-off", "image.tag"]),
    "no secret": (
        with_container(waiting="CreateContainerConfigError", message='secret "kafka" not found'),
        ['secret "kafka" not found', "make the secret"],
    ),
    "a setting refused": (
        with_container(waiting="CrashLoopBackOff", ended="Error", exit_code=2, restarts=4),
        ["again and again", "exit code 2: a setting", "4 restarts", "kubectl logs f-2 -c featurizer --previous"],
    ),
    "killed for memory": (
        with_container(waiting="CrashLoopBackOff", ended="OOMKilled", exit_code=137, restarts=2, memory_limit="64Mi"),
        ["killed for memory (limit 64Mi)", "resources.limits.memory"],
    ),
    "init container fails": (
        with_container(name="models", init=True, waiting="CrashLoopBackOff", exit_code=1, restarts=3),
        ["init container models ends again and again with exit code 1", "-c models"],
    ),
    "init container takes long": (
        bad(containers=(Container("models", init=True, running=True), Container("f", waiting="PodInitializing"))),
        ["init container models runs", "kubectl describe pod f-2"],
    ),
    "volume missing": (
        bad(containers=(Container("featurizer", waiting="ContainerCreating"),), warning="FailedMount: no such claim"),
        ["FailedMount: no such claim"],
    ),
    "not ready without a word": (bad(containers=(WELL,), phase="Running"), ["not ready: running"]),
}  # fmt: skip


def found(release: Release, name: str) -> list[Finding]:
    return [each for each in pods.check(release) if each.subject == name]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("others", "severity"), [((), Severity.BROKEN), ((GOOD,), Severity.WARNING)])
def test_a_pod_that_serves_nobody(case: str, others: tuple[Pod, ...], severity: Severity) -> None:
    """Broken where no other pod does the work, a warning where one does."""
    pod, words = CASES[case]
    (finding,) = found(Release("default", "s", 0, pods=(pod, *others), workloads=(POOL,)), "f-2")
    assert finding.severity is severity
    for word in words:
        assert word in f"{finding.what} -> {finding.todo}"
    assert "\n" not in finding.what


def test_what_readyz_says_is_passed_on() -> None:
    pod = replace(GOOD, ready=False)
    scrape = Scrape(pod, readyz="waiting for topic 'events' does not exist\n")
    (finding,) = pods.check(Release("default", "s", 0, pods=(pod,), after=(scrape,), workloads=(POOL,)))
    assert finding.what == "not ready: waiting for topic 'events' does not exist"


def test_pools_stand_in_for_each_other_pipelines_do_not() -> None:
    gpu = bad(name="f-gpu", pool="gpu", unschedulable=NO_GPU)
    joiners = [Pod("j-a", "stream-joiner", pipeline="a"), Pod("j-b", "stream-joiner", pipeline="b", ready=False)]
    said = {each.subject: each.severity for each in pods.check(Release("d", "s", 0, pods=(GOOD, gpu, *joiners)))}
    assert said == {"f-gpu": Severity.WARNING, "j-b": Severity.BROKEN}


def test_healthy_pods_say_nothing() -> None:
    done = Pod("topics-1", "topics", phase="Succeeded", ready=False)
    once = replace(GOOD, containers=(replace(WELL, restarts=1, ended="Error", exit_code=1),))
    assert not list(pods.check(Release("d", "s", 0, pods=(GOOD, done, once), workloads=(POOL,))))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ended": "OOMKilled", "restarts": 1}, "killed for memory"),
        ({"ended": "Error", "exit_code": 137, "restarts": 5}, "restarted 5 times with exit code 137"),
    ],
)
def test_a_ready_pod_with_a_past_is_a_warning(changes: dict[str, object], words: str) -> None:
    pod = replace(GOOD, containers=(replace(WELL, **changes),))  # type: ignore[arg-type]
    (finding,) = pods.check(Release("d", "s", 0, pods=(pod,), workloads=(POOL,)))
    assert finding.severity is Severity.WARNING and words in finding.what


def test_a_service_scaled_to_nothing_is_broken_unless_another_pool_serves() -> None:
    gone = replace(POOL, wanted=0, ready=0, updated=0)
    (finding,) = pods.check(Release("d", "s", 0, workloads=(gone,)))
    assert (finding.severity, finding.what) == (Severity.BROKEN, "no featurizer runs")
    assert "kubectl scale deployment/s-featurizer-cpu --replicas=1" in finding.todo
    assert not list(pods.check(Release("d", "s", 0, pods=(replace(GOOD, pool="gpu"),), workloads=(gone,))))


def test_what_makes_pods_is_stuck_or_at_work() -> None:
    stuck = replace(POOL, stuck='pods "x" is forbidden: exceeded quota', updated=0)
    rolling = replace(POOL, name="rolling", wanted=3, updated=1)
    said = {each.subject: each for each in pods.check(Release("d", "s", 0, pods=(GOOD,), workloads=(stuck, rolling)))}
    assert said["s-featurizer-cpu"].severity is Severity.WARNING and "exceeded quota" in said["s-featurizer-cpu"].what
    assert said["rolling"].severity is Severity.NOTE and "1 of 3" in said["rolling"].what


def test_a_failed_job_a_stuck_end_and_an_evicted_pod() -> None:
    jobs = (Job("topics-abc", "topics", failed="Job has reached the specified backoff limit"),)
    lost = replace(GOOD, name="f-lost", terminating_s=600.0)
    evicted = Pod("f-old", "featurizer", phase="Failed", ready=False, reason="Evicted")
    release = Release("d", "s", 0, pods=(GOOD, lost, evicted), jobs=jobs, workloads=(POOL,))
    said = {each.subject: (each.severity, each.what) for each in pods.check(release)}
    assert said["topics-abc"] == (Severity.BROKEN, "the job failed: Job has reached the specified backoff limit")
    assert said["f-lost"] == (Severity.WARNING, "should have ended 600 s ago; is node a away?")
    assert said["f-old"] == (Severity.NOTE, "ended: Evicted")
