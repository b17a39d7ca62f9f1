"""Start, stop, kill and restart one real Kafka broker on free loopback ports."""

import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from tools.processes import Process, ProcessError, free_port

LIBS = Path(__file__).resolve().parents[2] / "build" / "kafka" / "libs"

# One broker that is its own controller. Replication factors are 1 because there is one of it;
# the group coordinator does not wait for further members, so a service starts consuming at once.
# One thread for the network and one for requests: on two CPUs a record's way through is a fifth shorter at p50 and
# half as long at p99 as with Kafka's 3 and 8, whose caches are cold whenever it is their turn.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={directory}/data
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
{extra}
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


class Broker:
    """One broker whose data, log and configuration lie under `directory`; ports stay the same over restarts."""

    def __init__(self, directory: Path, extra_properties: str = "") -> None:
        if not LIBS.is_dir():
            raise ProcessError(f"Kafka's jars are not in {LIBS}: run `make kafka` first")
        self.directory = directory.resolve()
        self.port, self._controller_port = free_port(), free_port()
        self._extra = extra_properties
        self._process: Process | None = None

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

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
        text = _PROPERTIES.format(
            port=self.port, controller_port=self._controller_port, directory=self.directory, extra=self._extra
        )
        Path(self._properties).write_text(text)
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = self._java("kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "-c", self._properties)
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
