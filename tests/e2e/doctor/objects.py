"""Objects labelled as the chart labels them, without the chart: what a doctor sees, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

RELEASE = "bond"
TOPICS = "topics: [{name: events, partitions: 4}]"


def labels(component: str, release: str = RELEASE, **more: str) -> dict[str, str]:
    kubernetes = {"name": "sightline", "part-of": "sightline", "instance": release, "component": component}
    return {f"app.kubernetes.io/{key}": value for key, value in kubernetes.items()} | {
        f"sightline.dev/{key}": value for key, value in more.items()
    }


def workload(
    kind: str,
    name: str,
    marked: dict[str, str],
    *,
    replicas: int = 1,
    gpus: int = 0,
    secret: str = "",
    root: bool = False,
) -> dict[str, Any]:
    """`root`: its pods ask for what Pod Security's "restricted" refuses. They carry what selects them and no more."""
    selecting = {key: value for key, value in marked.items() if not key.endswith("/part-of")}
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": not root}
    container: dict[str, Any] = {"name": marked["app.kubernetes.io/component"], "image": "example.com/none:1"}
    container["securityContext"] = security | {"seccompProfile": {"type": "RuntimeDefault"}}
    if gpus:
        container["resources"] = {"limits": {"nvidia.com/gpu": str(gpus)}}
    spec: dict[str, Any] = {"containers": [container]}
    if secret:
        spec["volumes"] = [{"name": "tls", "secret": {"secretName": secret}}]
    whole: dict[str, Any] = {
        "replicas": replicas,
        "selector": {"matchLabels": selecting},
        "template": {"metadata": {"labels": selecting}, "spec": spec},
    }
    if kind == "StatefulSet":
        whole["serviceName"] = name
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "labels": marked}, "spec": whole}


def release(secret: str = "") -> list[dict[str, Any]]:
    """A joiner, a CPU pool and alerting, all of which can run."""
    joiner = labels("stream-joiner", pipeline="find-bond")
    topics = {"name": f"{RELEASE}-topics", "labels": labels("topics")}
    return [
        workload("StatefulSet", f"{RELEASE}-stream-joiner-find-bond", joiner),
        workload("Deployment", f"{RELEASE}-featurizer-cpu", labels("featurizer", pool="cpu")),
        workload("Deployment", f"{RELEASE}-alerting", labels("alerting"), secret=secret),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": topics, "data": {"topics.yaml": TOPICS}},
    ]


def tls_secret(name: str, days: float) -> dict[str, Any]:
    """With a certificate that holds `days` from now; fewer than none: it has expired."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bond-alerting")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=90))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": name},
        "stringData": {
            "tls.crt": certificate.public_bytes(serialization.Encoding.PEM).decode(),
            "tls.key": key.private_bytes(serialization.Encoding.PEM, *form).decode(),
        },
    }
