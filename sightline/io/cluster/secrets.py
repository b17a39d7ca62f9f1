"""Certificates in the secrets that a release's pods mount. Keys are neither kept nor looked at."""

import base64
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from cryptography import x509
from kubernetes import client

from sightline.doctor.snapshot import Certificate
from sightline.io.cluster.connect import TIMEOUT_S, AbsentError, Cluster, asked

WANTED = (".crt", ".pem")


def mounted(pods: list[client.V1Pod]) -> list[str]:
    """Names of the secrets in the pods' volumes."""
    found = set()
    for pod in pods:
        for volume in pod.spec.volumes or []:
            if volume.secret and volume.secret.secret_name:
                found.add(volume.secret.secret_name)
            for source in (volume.projected.sources or []) if volume.projected else []:
                if source.secret and source.secret.name:
                    found.add(source.secret.name)
    return sorted(found)


def certificates(cluster: Cluster, names: list[str]) -> tuple[Certificate, ...]:
    """Those in files that are named as certificates. Raises ForbiddenError or ClusterError; of a secret that is not
    there the pod that waits for it says so.
    """
    found: list[Certificate] = []
    with cluster.api() as api:
        core = client.CoreV1Api(api)
        for name in names:
            with suppress(AbsentError):
                secret = asked(
                    partial(core.read_namespaced_secret, name, cluster.namespace, _request_timeout=TIMEOUT_S),
                    "get secrets",
                )
                found += _in_secret(name, secret.data or {})
    return tuple(found)


def _in_secret(name: str, data: dict[str, str]) -> Iterator[Certificate]:
    for key, encoded in sorted(data.items()):
        if key.endswith(WANTED):
            where = name if key == "tls.crt" else f"{name}/{key}"
            yield from _in_pem(where, base64.b64decode(encoded))


def _in_pem(where: str, pem: bytes) -> Iterator[Certificate]:
    """A file may hold a chain: the one that expires first counts."""
    if b"PRIVATE KEY" in pem and b"BEGIN CERTIFICATE" not in pem:
        return
    try:
        chain = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        yield Certificate(where, "", 0.0, error=str(error))
        return
    first = min(chain, key=lambda each: each.not_valid_after_utc)
    subject = first.subject.rfc4514_string() or "certificate"
    yield Certificate(where, subject, first.not_valid_after_utc.timestamp())
