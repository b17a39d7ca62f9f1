"""The services' pods: what they are told, how they are asked, how long they may take to stop."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from pydantic_settings import BaseSettings

from services.alerting.settings import Settings as AlertingSettings
from services.featurizer.settings import Settings as FeaturizerSettings
from services.stream_joiner.settings import Settings as JoinerSettings
from tests.e2e.render.rendering import JOINER, Manifest, case_name, cases, environment, named, of_kind, pods, render

SETTINGS: dict[str, type[BaseSettings]] = {
    "stream-joiner": JoinerSettings,
    "featurizer": FeaturizerSettings,
    "alerting": AlertingSettings,
}
every_case = pytest.mark.parametrize("case", cases(), ids=case_name)


def services(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest, Manifest]]:
    """Name, pod and container of each service."""
    for pod in pods(manifests):
        container = pod["spec"]["containers"][0]
        if container["name"] in SETTINGS:
            yield container["name"], pod, container


@every_case
def test_services_accept_their_environment(case: Path | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The services' own settings are made of it; files that a cluster mounts are made here."""
    for name, pod, container in services(render(case)):
        kind = SETTINGS[name]
        prefix = str(kind.model_config["env_prefix"])
        ours = {key: value for key, value in environment(container).items() if key.startswith("SIGHTLINE_")}
        assert all(key.startswith(prefix) for key in ours)
        with monkeypatch.context() as patched:
            for key, value in ours.items():
                if value.startswith("/"):
                    assert any(value.startswith(mount["mountPath"]) for mount in container["volumeMounts"]), key
                    value = str(_there(tmp_path / value.lstrip("/")))
                patched.setenv(key, value)
            settings = kind()
        fields = {key.removeprefix(prefix).lower() for key in ours}
        assert fields <= settings.model_fields_set, pod["metadata"]["name"]


AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("localhost")
PEM = {
    "ca.crt": AUTHORITY.cert_pem.bytes(),
    "crt": CERTIFICATE.cert_chain_pems[0].bytes(),
    "key": CERTIFICATE.private_key_pem.bytes(),
}


def _there(path: Path) -> Path:
    """A file, a real one where it is a certificate or a key; or a folder where it has no ending."""
    if path.suffix:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PEM.get(path.name) or PEM.get(path.suffix[1:], b""))
    else:
        path.mkdir(parents=True, exist_ok=True)
    return path


@every_case
def test_pods_get_the_time_to_drain(case: Path | None):
    for name, pod, container in services(render(case)):
        drain_ms = int(environment(container)[f"SIGHTLINE_{name.split('-')[-1].upper()}_DRAIN_MS_MAX"])
        stop = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep", "0"])
        assert pod["spec"]["terminationGracePeriodSeconds"] >= int(stop[1]) + drain_ms / 1000 + 5


def test_probes():
    """Featurizers may take minutes to load; the others are judged by /healthz, as they wait for others."""
    budgets = {}
    for name, _, container in services(render()):
        start = container["startupProbe"]
        budgets[name] = (start["httpGet"]["path"], start["periodSeconds"] * start["failureThreshold"])
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert budgets == {
        "stream-joiner": ("/healthz", 120),
        "featurizer": ("/readyz", 300),
        "alerting": ("/healthz", 120),
    }


def test_the_joiner_has_a_name_that_lasts():
    joiner = named(render(), *JOINER)
    assert joiner["spec"]["podManagementPolicy"] == "Parallel"
    (instance,) = [
        each
        for each in joiner["spec"]["template"]["spec"]["containers"][0]["env"]
        if each["name"] == "SIGHTLINE_JOINER_INSTANCE"
    ]
    assert instance["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    # A Deployment's pods have new names each time: a group would wait for members that never come back.
    assert "SIGHTLINE_ALERTING_INSTANCE" not in str(render())


@every_case
def test_certificates_name_who_is_called(case: Path | None):
    """A joiner checks the name of the pool's address against the certificate."""
    manifests = render(case)
    certificates = {each["metadata"]["name"]: each["spec"] for each in of_kind(manifests, "Certificate")}
    mounted = re.findall(r"'secretName': '([^']+)'", str(list(pods(manifests))))
    if not certificates:
        assert case_name(case) == "external" or not mounted
        return
    assert set(mounted) <= {each["secretName"] for each in certificates.values()}
    (server,) = [spec for name, spec in certificates.items() if name.endswith("-featurizer-tls")]
    (joiner,) = [each for name, _, each in services(manifests) if name == "stream-joiner"]
    hosts = [each.partition(":")[0] for each in environment(joiner)["SIGHTLINE_JOINER_FEATURIZER_ADDRESS"].split(",")]
    assert set(hosts) <= set(server["dnsNames"])
