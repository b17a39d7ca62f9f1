"""Start, stop, kill and restart one real Kafka broker on free loopback ports."""

import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import NamedTuple

from tools.processes import Process, ProcessError, free_port

LIBS = Path(__file__).resolve().parents[2] / "build" / "kafka" / "libs"

# One broker that is its own controller. Replication factors are 1 because there is one of it;
# the group coordinator does not wait for further members, so a service starts consuming at once.
# One thread for the network and one for requests: on two CPUs a record's way through is a fifth shorter at p50 and
# half as long at p99 as with Kafka's 3 and 8, whose caches are cold whenever it is their turn.
LONE = """\
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
num.network.threads=1
num.io.threads=1
message.max.bytes=33554432
log.cleaner.dedupe.buffer.size=2097152
"""

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}{more_listeners}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}{more_listeners}
controller.listener.names=CONTROLLER
log.dirs={directory}/data
{lone}{extra}
"""

# Two listeners beside: SASL_SSL for user and password, MUTUAL for clients with a certificate.
_SECURE_PROPERTIES = """\
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_SSL,MUTUAL:SSL
listener.name.sasl.sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
  user_{username}="{password}";
listener.name.mutual.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={ca}
"""

_LOG4J2 = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""

_JAVA_OPTIONS = ("-Xms384m", "-Xmx384m", "-XX:+UseSerialGC", "-Djava.awt.headless=true")


class Lock(NamedTuple):
    """Who may come in over the secure listeners. `keystore`: PEM of the broker's key (PKCS #8) and its certificates."""

    username: str
    password: str
    keystore: Path
    ca: Path


class Broker:
    """One broker whose data, log and configuration lie under `directory`; ports stay the same over restarts."""

    def __init__(self, directory: Path, extra_properties: str = "", lock: Lock | None = None) -> None:
        if not LIBS.is_dir():
            raise ProcessError(f"Kafka's jars are not in {LIBS}: run `make kafka` first")
        self.directory = directory.resolve()
        self.port, self._controller_port = free_port(), free_port()
        self._extra, self._lock = extra_properties, lock
        self._sasl_port, self._mutual_port = (free_port(), free_port()) if lock else (0, 0)
        self._process: Process | None = None

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def sasl_servers(self) -> str:
        """For user and password over TLS."""
        return f"127.0.0.1:{self._sasl_port}"

    @property
    def mutual_servers(self) -> str:
        """For TLS with a certificate of the client's."""
        return f"127.0.0.1:{self._mutual_port}"

    @property
    def pid(self) -> int:
        """Raises ProcessError where it was not started."""
        if self._process is None:
            raise ProcessError("the broker was not started")
        return self._process.pid

    def start(self, timeout_s: float = 120) -> "Broker":
        if not (self.directory / "server.properties").exists():
            self._format()
        self._process = Process("kafka", self._java("kafka.Kafka", self._properties), self.directory / "kafka.log")
        self._process.wait_until(self._answers, timeout_s)
        return self

    def stop(self) -> None:
        if self._process:
            self._process.stop()

    def kill(self) -> None:
        if self._process:
            self._process.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def __enter__(self) -> "Broker":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _properties(self) -> str:
        return str(self.directory / "server.properties")

    def _java(self, main: str, *arguments: str) -> list[str]:
        log4j = f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}"
        return ["java", *_JAVA_OPTIONS, log4j, "-cp", f"{LIBS}/*", main, *arguments]

    def _format(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "log4j2.properties").write_text(_LOG4J2)
        more = f",SASL://{self.sasl_servers},MUTUAL://{self.mutual_servers}" if self._lock else ""
        text = _PROPERTIES.format(
            port=self.port,
            controller_port=self._controller_port,
            more_listeners=more,
            directory=self.directory,
            lone=LONE,
            extra=self._extra,
        )
        if self._lock:
            text += _SECURE_PROPERTIES.format(**self._lock._asdict())
        Path(self._properties).write_text(text)
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = self._java("kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "-c", self._properties)
        if self._lock:
            command += ["-S", f"SCRAM-SHA-512=[name={self._lock.username},password={self._lock.password}]"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise ProcessError(f"formatting Kafka's storage failed:\n{done.stdout}{done.stderr}")

    def _answers(self) -> bool:
        """The broker's listener opens only once it is registered and unfenced."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True
