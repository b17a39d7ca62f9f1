"""Resource definitions of the operators that the chart has objects for, from their Go modules."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

MODULES = {
    "keda": ("github.com/kedacore/keda/v2@v2.21.0", "config/crd/bases", ("keda.sh_scaledobjects",)),
    "prometheus-operator": (
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        "example/prometheus-operator-crd",
        ("monitoring.coreos.com_servicemonitors", "monitoring.coreos.com_prometheusrules"),
    ),
    "cert-manager": (
        "github.com/cert-manager/cert-manager@v1.18.2",
        "deploy/crds",
        ("crd-certificates", "crd-issuers"),
    ),
}
DOWNLOAD_TIMEOUT_S = 300


class NotToBeHadError(RuntimeError):
    """Why they are not."""


def module(path: str) -> Path:
    """Where a Go module lies, downloaded if need be. Raises NotToBeHadError."""
    if not shutil.which("go"):
        raise NotToBeHadError("go is not in PATH")
    done = subprocess.run(
        ["go", "mod", "download", "-json", path],
        capture_output=True,
        text=True,
        timeout=DOWNLOAD_TIMEOUT_S,
        check=False,
        cwd="/",
        env={**os.environ, "GOFLAGS": "-mod=mod"},
    )
    found = json.loads(done.stdout or "{}")
    if done.returncode or "Dir" not in found:
        raise NotToBeHadError(f"{path}: {found.get('Error') or done.stderr.strip()}")
    return Path(found["Dir"])


def definitions(operator: str) -> str:
    """YAML to apply. Raises NotToBeHadError."""
    path, folder, names = MODULES[operator]
    texts = [(module(path) / folder / f"{name}.yaml").read_text() for name in names]
    # cert-manager's are templates, of labels only.
    return "\n---\n".join(re.sub(r"(?m)^.*\{\{.*\n", "", text) for text in texts)


def strimzi() -> str:
    """Strimzi's are in no Go module; SIGHTLINE_STRIMZI_CRDS names a folder with them. Raises NotToBeHadError."""
    if not (folder := os.environ.get("SIGHTLINE_STRIMZI_CRDS")):
        raise NotToBeHadError(
            "Strimzi's definitions are in no Go module; SIGHTLINE_STRIMZI_CRDS names its install/cluster-operator"
        )
    wanted = ("kafka", "kafkatopic", "kafkauser", "kafkanodepool")
    files = [path for path in sorted(Path(folder).glob("*Crd-*.yaml")) if path.stem.rpartition("-")[2] in wanted]
    return "\n---\n".join(path.read_text() for path in files)
