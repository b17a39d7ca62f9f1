"""`sightline doctor` as a user runs it, and its JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

TIMEOUT_S = 120


class Diagnosis(NamedTuple):
    """What it said; `findings` are severity, check, subject, what."""

    code: int
    findings: list[tuple[str, str, str, str]]
    errors: str

    def of(self, check: str) -> list[tuple[str, str, str]]:
        return [(severity, subject, what) for severity, name, subject, what in self.findings if name == check]

    def worst_of(self, *checks: str) -> str:
        """`note` where those checks found nothing."""
        order = ("note", "warning", "broken")
        return max((each[0] for each in self.findings if each[1] in checks), key=order.index, default="note")


def run(kubeconfig: Path | str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "sightline.cli", "doctor", *arguments]
    environment = os.environ | {"KUBECONFIG": str(kubeconfig)}
    return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def diagnose(kubeconfig: Path, namespace: str, *arguments: str) -> Diagnosis:
    done = run(kubeconfig, "--namespace", namespace, "--json", *arguments)
    if not done.stdout:
        return Diagnosis(done.returncode, [], done.stderr)
    listed = json.loads(done.stdout)["findings"]
    found = [(each["severity"], each["check"], each["subject"], each["what"]) for each in listed]
    return Diagnosis(done.returncode, found, done.stderr)
