"""The doctor on a release of the chart whose pods really run: what a test of the whole product calls.

Both leave the release as they found it.
"""

from tests.e2e.doctor.command import Diagnosis, diagnose
from tests.e2e.kube import Kube, eventually

WAIT_S = 120


def finds_it_healthy(kube: Kube, release: str) -> Diagnosis:
    """Nothing but notes, and everything was looked at: metrics, topics, certificates."""

    last: Diagnosis | None = None

    def well() -> Diagnosis | None:
        nonlocal last
        last = diagnose(kube.kubeconfig, kube.namespace, "--release", release)
        return last if last.code == 0 else None

    try:
        found = eventually(well, WAIT_S, "a healthy release")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{last}") from None
    assert found.of("models"), "the featurizers' metrics were read"
    return found


def finds_what_is_broken(kube: Kube, release: str, fullname: str) -> None:
    """A pool without pods, and an image that nobody has."""
    pool, alerting = f"deployment/{fullname}-featurizer-cpu", f"deployment/{fullname}-alerting"
    replicas = kube.kubectl("get", pool, "-o", "jsonpath={.spec.replicas}")
    kube.kubectl("scale", pool, "--replicas=0")
    try:
        found = _until(kube, release, "no featurizer runs")
        assert found.code == 2, found
    finally:
        kube.kubectl("scale", pool, f"--replicas={replicas}")
        kube.kubectl("rollout", "status", pool, f"--timeout={WAIT_S}s", timeout_s=WAIT_S + 10)
    kube.kubectl("set", "image", alerting, "alerting=example.invalid/alerting:none")
    try:
        found = _until(kube, release, "the image can't be had: example.invalid/alerting:none")
        assert found.worst_of("pods") == "warning", "the old pod still serves"
    finally:
        kube.kubectl("rollout", "undo", alerting)
    kube.kubectl("rollout", "status", alerting, f"--timeout={WAIT_S}s", timeout_s=WAIT_S + 10)


def _until(kube: Kube, release: str, words: str) -> Diagnosis:
    def said() -> Diagnosis | None:
        found = diagnose(kube.kubeconfig, kube.namespace, "--release", release)
        return found if any(words in what for *_, what in found.findings) else None

    return eventually(said, WAIT_S, f"the doctor says {words!r}")
