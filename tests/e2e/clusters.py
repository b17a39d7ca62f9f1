"""Which cluster the tests run on: one that is there already, or one that a command brings up for them.

KUBECONFIG                     a cluster with real nodes; it is left as it was found
SIGHTLINE_CLUSTER_UP, _DOWN    without KUBECONFIG: bring one up; the last line that UP prints is
                               `export KUBECONFIG=PATH`. DOWN is run at the end
SIGHTLINE_FAKE_KUBECONFIG      the same for a cluster whose nodes kwok plays (scheduling tests make the nodes)
SIGHTLINE_FAKE_CLUSTER_UP, _DOWN
SIGHTLINE_E2E_SKIP             why there is none: printed with each test that is skipped
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

UP_TIMEOUT_S = 300
TOOLS = ("helm", "kubectl")


@contextmanager
def running(kind: str = "") -> Iterator[Path]:
    """The kubeconfig of a cluster; `kind` is "" or "FAKE_". Skips the test, saying why, where there is none."""
    if reason := os.environ.get(f"SIGHTLINE_{kind}CLUSTER_SKIP"):
        pytest.skip(reason)
    if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
        pytest.skip(f"not found in PATH: {', '.join(missing)}")
    there = os.environ.get(f"SIGHTLINE_{kind}KUBECONFIG" if kind else "KUBECONFIG")
    up = os.environ.get(f"SIGHTLINE_{kind}CLUSTER_UP")
    if there:
        yield Path(there)
    elif up:
        down = os.environ.get(f"SIGHTLINE_{kind}CLUSTER_DOWN")
        try:
            yield _bring_up(up)
        finally:
            if down:
                subprocess.run(["bash", "-c", down], check=False, timeout=UP_TIMEOUT_S)
    else:
        pytest.skip(f"neither {'SIGHTLINE_FAKE_' if kind else ''}KUBECONFIG nor SIGHTLINE_{kind}CLUSTER_UP is set")


def _bring_up(command: str) -> Path:
    """Runs it and reads its last line. Raises RuntimeError with what it printed."""
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=UP_TIMEOUT_S, check=False)
    exported = re.findall(r"^export KUBECONFIG=(.+)$", done.stdout, re.MULTILINE)
    if done.returncode or not exported:
        raise RuntimeError(f"{command!r} ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return Path(exported[-1].strip("'\""))
