"""What is kept of a test that failed: build/e2e/<test>/ with the state, the events and the logs of every pod."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.e2e.kube import Kube

FOLDER = Path(__file__).resolve().parents[2] / "build" / "e2e"
_LINES = 5_000


def collect(kube: Kube, test: str) -> Path:
    """Never raises because of the cluster: what can't be had is said in the file."""
    folder = FOLDER / re.sub(r"[^\w.-]+", "_", test)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, arguments in {
        "objects": ("get", "all,jobs,pvc,configmaps,endpointslices", "-o", "wide"),
        "pods": ("describe", "pods"),
        "nodes": ("describe", "nodes"),
        "events": ("get", "events", "--sort-by=.lastTimestamp"),
    }.items():
        (folder / f"{name}.txt").write_text(_kubectl(kube, *arguments))
    for pod in _kubectl(kube, "get", "pods", "-o", "name").split():
        name = pod.removeprefix("pod/")
        options = ("--all-containers", "--timestamps", f"--tail={_LINES}")
        (folder / f"{name}.log").write_text(_kubectl(kube, "logs", name, *options))
        if "not found" not in (before := _kubectl(kube, "logs", name, *options, "--previous")):
            (folder / f"{name}.previous.log").write_text(before)
    return folder


def _kubectl(kube: Kube, *arguments: str) -> str:
    argv = ["kubectl", f"--kubeconfig={kube.kubeconfig}", f"--namespace={kube.namespace}", *arguments]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return "kubectl did not answer within a minute"
    return done.stdout + done.stderr
