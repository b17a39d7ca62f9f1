"""The pod that player.py runs in: it sees the release as any application of the cluster does."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.e2e.cluster.photographs import Photographs, archive
from tests.e2e.execs import execute, unpack
from tests.e2e.kube import Kube

NAME = "player"
FOLDER = "/tmp/player"
SECRETS = "/secrets"
_SCRIPT = Path(__file__).with_name("player.py")


class Access(NamedTuple):
    """How an application reaches a release: host:port as pods see them, and what lets it in; `secret` is at SECRETS."""

    kafka: str
    alerts: str
    environment: Mapping[str, str] = MappingProxyType({})
    secret: str = ""


BUNDLED = Access("sightline-kafka:9092", "sightline-alerting:8600")


class Player:
    def __init__(self, kube: Kube, image: str, access: Access, photographs: Photographs) -> None:
        self._kube, self._kafka = kube, access.kafka
        kube.apply(_let_in(manifest(image), access))
        kube.wait_ready(1, app=NAME)
        plan = "".join(json.dumps(line) + "\n" for line in photographs.plan())
        files = {"player.py": _SCRIPT.read_bytes(), "plan": plan.encode(), "photos": photographs.file}
        unpack(kube, NAME, archive(files), FOLDER)
        self.start("watch", "watch", f"--address={access.alerts}", f"--seen={FOLDER}/seen")

    @property
    def node(self) -> str:
        return str(self._kube.core.read_namespaced_pod(NAME, self._kube.namespace).spec.node_name)

    def run(self, *arguments: str, timeout_s: float = 120) -> str:
        """A command of player.py, to its end. Raises ExecError."""
        return execute(self._kube, NAME, *self._argv(*arguments), timeout_s=timeout_s)

    def start(self, name: str, *arguments: str) -> None:
        """One that goes on; `wait` waits for it."""
        command = f"{shlex.join(self._argv(*arguments))} >{FOLDER}/{name}.log 2>&1; echo $? >{FOLDER}/{name}.exit"
        self.shell(f"setsid sh -c {shlex.quote(command)} </dev/null >/dev/null 2>&1 &")

    def exit_code(self, name: str) -> int | None:
        """None while it runs."""
        return int(code) if (code := self.shell(f"cat {FOLDER}/{name}.exit 2>/dev/null || true").strip()) else None

    def log(self, name: str) -> str:
        return self.shell(f"tail -c 2000 {FOLDER}/{name}.log")

    def lines(self, file: str) -> list[str]:
        return self.shell(f"cat {FOLDER}/{file} 2>/dev/null || true").splitlines()

    def shell(self, command: str) -> str:
        return execute(self._kube, NAME, "sh", "-c", command)

    def records(self, source: str) -> list[dict[str, Any]]:
        """What the alerts topic says of events of that source."""
        return [json.loads(line) for line in self.run("records", f"--source={source}").splitlines()]

    def _argv(self, *arguments: str) -> list[str]:
        return ["python", f"{FOLDER}/player.py", *arguments, f"--bootstrap-servers={self._kafka}"]


def manifest(image: str, name: str = NAME) -> dict[str, Any]:
    """A pod that waits to be told what to do."""
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    container = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", "import signal; signal.pause()"],
        "workingDir": "/tmp",
        "securityContext": security,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    spec = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def _let_in(pod: dict[str, Any], access: Access) -> dict[str, Any]:
    container = pod["spec"]["containers"][0]
    container["env"] = [{"name": name, "value": value} for name, value in access.environment.items()]
    if access.secret:
        pod["spec"]["volumes"].append({"name": "secrets", "secret": {"secretName": access.secret}})
        container["volumeMounts"].append({"name": "secrets", "mountPath": SECRETS, "readOnly": True})
    return pod
