"""Every values file, by every Helm: valid by the API's own schemas, and accepted by an API server."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.e2e.render.conftest import Kubectl
from tests.e2e.render.rendering import (
    CHART,
    KUBERNETES,
    NAMESPACE,
    TIMEOUT_S,
    case_name,
    cases,
    containers,
    helm,
    helms,
    pods,
    render,
    template,
)

OPERATORS = {
    "keda.sh/v1alpha1": "keda",
    "monitoring.coreos.com/v1": "prometheus-operator",
    "cert-manager.io/v1": "cert-manager",
    "kafka.strimzi.io/v1": "strimzi",
}
SCHEMAS = "{{ .NormalizedKubernetesVersion }}-standalone{{ .StrictSuffix }}/{{ .ResourceKind }}{{ .KindSuffix }}.json"

every_case = pytest.mark.parametrize("case", cases(), ids=case_name)


@pytest.mark.parametrize("program", helms())
def test_lint(program):
    assert "0 chart(s) failed" in helm("lint", "--strict", f"--kube-version={KUBERNETES}", str(CHART), program=program)


def schema_location() -> str:
    """KUBECONFORM_SCHEMAS names a folder with them; what brings test clusters up has one beside its programs."""
    if given := os.environ.get("KUBECONFORM_SCHEMAS"):
        return f"{given}/{SCHEMAS}"
    beside = Path(shutil.which("kubeconform") or "").resolve().parent.parent / "schemas"
    return f"{beside}/{SCHEMAS}" if beside.is_dir() else "default"


@every_case
@pytest.mark.parametrize("program", helms())
def test_schemas(program, case):
    if not shutil.which("kubeconform"):
        pytest.skip("kubeconform is not in PATH")
    # Operators' kinds have no schema here; the API server knows them.
    skipped = {kind for kind in kinds(case) if kind in OPERATOR_KINDS}
    done = subprocess.run(
        ["kubeconform", "-strict", "-kubernetes-version", KUBERNETES, "-schema-location", schema_location()]
        + (["-skip", ",".join(sorted(skipped))] if skipped else []),
        input=template(case, program=program),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert not done.returncode, done.stdout + done.stderr


OPERATOR_KINDS = {
    "ScaledObject", "ServiceMonitor", "PrometheusRule", "Certificate", "Issuer",
    "Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser",
}  # fmt: skip


def kinds(case: Path | None) -> set[str]:
    return {str(each["kind"]) for each in render(case)}


@every_case
def test_api_server_takes_it(case, namespace: Kubectl, operators: Callable[[str], None]):
    """Strict: unknown fields are refused, of the operators' kinds as well. Each pod passes "restricted" admission."""
    text = template(case).replace(f"namespace: {NAMESPACE}", f"namespace: {namespace.namespace}")
    manifests = [each for each in yaml.safe_load_all(text) if each]
    for group in {each["apiVersion"] for each in manifests} & set(OPERATORS):
        operators(OPERATORS[group])
    # A pod is refused where its account is not there.
    accounts = [each for each in manifests if each["kind"] == "ServiceAccount"]
    namespace("apply", "-f", "-", stdin=yaml.safe_dump_all(accounts))
    # A running system has these classes; the checks here are of form.
    for each in (made := list(pods(manifests))):
        each["spec"].pop("runtimeClassName", None)
        each["spec"].pop("priorityClassName", None)
        each["metadata"].pop("annotations", None)
    others = [each for each in manifests if each["kind"] not in ("ServiceAccount", "Pod")]
    done = namespace(
        "create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=yaml.safe_dump_all([*others, *made])
    )
    assert len(done.splitlines()) == len(others) + len(made)


def test_a_pod_that_is_not_restricted_is_refused(namespace: Kubectl):
    """The namespace does enforce: without our settings a pod does not pass."""
    pod = next(pods(render()))
    del pod["spec"]["securityContext"], pod["spec"]["serviceAccountName"]
    done = namespace.run("create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(pod))
    assert done.returncode and 'violates PodSecurity "restricted' in done.stderr


@every_case
def test_pods_are_locked_down(case):
    """What "restricted" does not ask for: no token, a root that can't be written, memory bounded, no service links."""
    for pod in pods(render(case)):
        name = pod["metadata"]["name"]
        assert pod["spec"]["automountServiceAccountToken"] is False, name
        assert pod["spec"]["enableServiceLinks"] is False, name
        assert pod["spec"]["serviceAccountName"] != "default", name
        for container in containers(pod):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
            assert not container["image"].endswith(":latest") and ":" in container["image"], name
            assert container["resources"]["limits"]["memory"], name
            assert container["resources"]["requests"]["cpu"], name


@every_case
def test_secrets_are_by_reference_only(case):
    manifests = render(case)
    assert not [each for each in manifests if each["kind"] in ("Secret", "Role", "ClusterRole", "RoleBinding")]


@every_case
def test_names_and_labels(case):
    """Unique, short enough for what Kubernetes makes of them, and each object is found by the release's labels."""
    manifests = render(case)
    keys = [(each["apiVersion"], each["kind"], each["metadata"]["name"]) for each in manifests]
    assert len(keys) == len(set(keys))
    for each in manifests:
        assert len(each["metadata"]["name"]) <= (52 if each["kind"] == "StatefulSet" else 63)
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == "sightline"
        assert labels["helm.sh/chart"].startswith("sightline-")


@every_case
def test_every_reference_within_the_release_is_met(case):
    """ConfigMaps, accounts and Services that pods name are made by the chart, or named in the values."""
    manifests = render(case)
    made = {(each["kind"], each["metadata"]["name"]) for each in manifests}
    given = case.read_text() if case else ""
    for pod in pods(manifests):
        assert ("ServiceAccount", pod["spec"]["serviceAccountName"]) in made
        for volume in pod["spec"]["volumes"]:
            if name := volume.get("configMap", {}).get("name"):
                assert ("ConfigMap", name) in made or name in given, name
        mounted = {mount["name"] for each in containers(pod) for mount in each.get("volumeMounts", [])}
        assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}, pod["metadata"]["name"]
    for each in manifests:
        if each["kind"] == "StatefulSet":
            assert ("Service", each["spec"]["serviceName"]) in made


@pytest.mark.skipif(len(helms()) < 2, reason="only one Helm in PATH")
@every_case
def test_helms_agree(case):
    first, *others = [render(case, program=program) for program in helms()]
    for other in others:
        key = lambda each: (each["kind"], each["metadata"]["name"])  # noqa: E731
        assert sorted(other, key=key) == sorted(first, key=key)
