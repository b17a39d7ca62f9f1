"""Helm, by its command line."""

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.kube import Kube

CHART = Path(__file__).resolve().parents[2] / "helm" / "sightline"
WAIT_S = 420


class HelmError(RuntimeError):
    """What helm complained of."""


class Helm:
    """One release in one namespace."""

    def __init__(self, kube: Kube, release: str, chart: Path = CHART) -> None:
        self.kube, self.release, self.chart = kube, release, chart

    def install(self, values: dict[str, Any], wait: bool = True) -> str:
        return self._with(values, "install", self.release, str(self.chart), *_waiting(wait))

    def upgrade(self, values: dict[str, Any], wait: bool = True) -> str:
        """To exactly these values, not to them on top of the last ones."""
        return self._with(values, "upgrade", self.release, str(self.chart), "--reset-values", *_waiting(wait))

    def rollback(self, revision: int = 0) -> str:
        """0: to the one before."""
        return self("rollback", self.release, str(revision), *_waiting(True))

    def uninstall(self) -> str:
        return self("uninstall", self.release, *_waiting(True))

    def test(self) -> str:
        return self("test", self.release, "--logs", f"--timeout={WAIT_S}s")

    def revision(self) -> int:
        return int(json.loads(self("history", self.release, "--output=json", "--max=1"))[-1]["revision"])

    def render(self, values: dict[str, Any]) -> list[dict[str, Any]]:
        """The manifests, not sent anywhere."""
        return [
            each for each in yaml.safe_load_all(self._with(values, "template", self.release, str(self.chart))) if each
        ]

    def _with(self, values: dict[str, Any], *arguments: str) -> str:
        return self(*arguments, "--values=-", stdin=yaml.safe_dump(values))

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        """Its output. Raises HelmError."""
        argv = ["helm", f"--kubeconfig={self.kube.kubeconfig}", f"--namespace={self.kube.namespace}", *arguments]
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=WAIT_S + 60, check=False)
        if done.returncode:
            raise HelmError(f"helm {' '.join(arguments[:2])}: {done.stderr.strip()}\n{done.stdout.strip()}")
        return done.stdout


def _waiting(wait: bool) -> tuple[str, ...]:
    return ("--wait", f"--timeout={WAIT_S}s") if wait else ()
