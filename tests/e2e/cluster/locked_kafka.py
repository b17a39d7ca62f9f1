"""A broker outside the release that lets in who knows a user's password: SASL_SSL with SCRAM."""

from typing import Any

from tests.authority import Authority
from tests.e2e.cluster.player_pod import manifest
from tests.e2e.kube import Kube
from tools.kafka import LONE

NAME, PORT = "locked-kafka", 9093
USER, PASSWORD = "sightline", "only-for-this-test"
MECHANISM = "SCRAM-SHA-512"
_IMAGE = "apache/kafka:4.1.1"
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:9095
controller.listener.names=CONTROLLER
listeners=LOCKED://:9093,OWN://localhost:9094,CONTROLLER://localhost:9095
advertised.listeners=LOCKED://{host}:9093,OWN://localhost:9094
listener.security.protocol.map=LOCKED:SASL_SSL,OWN:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=OWN
listener.name.locked.sasl.enabled.mechanisms={mechanism}
listener.name.locked.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location=/config/keystore.pem
log.dirs=/tmp/data
{lone}"""
_START = f"""
java -cp '/opt/kafka/libs/*' kafka.tools.StorageTool format --cluster-id AAAAAAAAAAAAAAAAAAAAAA \
  --config /config/server.properties --add-scram '{MECHANISM}=[name={USER},password={PASSWORD}]'
exec java -Xmx384m -XX:+UseSerialGC -cp '/opt/kafka/libs/*' kafka.Kafka /config/server.properties
"""


def start(kube: Kube, authority: Authority) -> str:
    """Its host:port, once it answers."""
    host = f"{NAME}.{kube.namespace}.svc"
    files = authority.issue(host, file=NAME)
    texts = {
        "keystore.pem": files.both.read_text(),
        "server.properties": _PROPERTIES.format(host=host, mechanism=MECHANISM, lone=LONE),
    }
    kube.apply(secret(f"{NAME}-config", texts), _service(), _pod())
    kube.wait_ready(1, app=NAME)
    return f"{host}:{PORT}"


def secret(name: str, texts: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": texts}


def _service() -> dict[str, Any]:
    spec = {"selector": {"app": NAME}, "ports": [{"port": PORT, "targetPort": PORT}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME}, "spec": spec}


def _pod() -> dict[str, Any]:
    pod = manifest(_IMAGE, NAME)
    (container,) = pod["spec"]["containers"]
    container["command"] = ["sh", "-ec", _START]
    container["readinessProbe"] = {"tcpSocket": {"port": PORT}, "periodSeconds": 1}
    container["volumeMounts"] += [
        {"name": "config", "mountPath": "/config"},
        {"name": "logs", "mountPath": "/opt/kafka/logs"},
    ]
    pod["spec"]["volumes"] += [
        {"name": "config", "secret": {"secretName": f"{NAME}-config"}},
        {"name": "logs", "emptyDir": {}},
    ]
    return pod
