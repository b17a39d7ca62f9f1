"""A container as a careful cluster runs it: read-only root, user 10001, no capability, /tmp in memory. On the host's
network, so that a test can ask it."""

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tools.images import Engine


class Mount(NamedTuple):
    """A directory of the host in the container."""

    source: Path
    target: str
    writable: bool = False


class Runtime(Protocol):
    def command(
        self, image: str, argv: Sequence[str], mounts: Sequence[Mount], env: Mapping[str, str], entrypoint: str | None
    ) -> Any:
        """Context manager of the command that runs `image` in the foreground; after it nothing is left."""


def runtime_of(engine: Engine) -> Runtime | str:
    """What runs the engine's images, or why nothing here does."""
    if engine.name == "docker":
        return _Docker()
    if os.geteuid():
        return "buildah's images are run as root only"
    return _Runc() if shutil.which("runc") else "buildah's images are run by runc, which is not installed"


class _Docker:
    @contextmanager
    def command(
        self, image: str, argv: Sequence[str], mounts: Sequence[Mount], env: Mapping[str, str], entrypoint: str | None
    ) -> Iterator[list[str]]:
        name = f"sightline-{uuid.uuid4().hex[:12]}"
        flags = ["--rm", "--name", name, "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "host"]
        for mount in mounts:
            flags += ["--volume", f"{mount.source}:{mount.target}{'' if mount.writable else ':ro'}"]
        for key, value in env.items():
            flags += ["--env", f"{key}={value}"]
        if entrypoint is not None:
            flags += ["--entrypoint", entrypoint]
        try:
            yield ["docker", "run", *flags, image, *argv]
        finally:
            subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)


class _Runc:
    @contextmanager
    def command(
        self, image: str, argv: Sequence[str], mounts: Sequence[Mount], env: Mapping[str, str], entrypoint: str | None
    ) -> Iterator[list[str]]:
        name = f"sightline-{uuid.uuid4().hex[:12]}"
        container = _output("buildah", "from", "--pull-never", "--name", name, f"docker.io/{image}")
        bundle = Path("/tmp") / name
        try:
            root = _output("buildah", "mount", container)
            image_config = json.loads(_output("buildah", "inspect", "--type", "image", f"docker.io/{image}"))
            bundle.mkdir()
            config = _bundle(bundle, image_config["OCIv1"]["config"], root)
            process = config["process"]
            process["args"] = [*([entrypoint] if entrypoint else process["args"]), *argv]
            process["env"] += [f"{key}={value}" for key, value in env.items()]
            config["mounts"] += [_bind(mount) for mount in mounts]
            (bundle / "config.json").write_text(json.dumps(config))
            yield ["runc", "run", "--bundle", str(bundle), name]
        finally:
            subprocess.run(["runc", "delete", "--force", name], capture_output=True, check=False)
            subprocess.run(["buildah", "rm", container], capture_output=True, check=False)
            shutil.rmtree(bundle, ignore_errors=True)


def _bundle(bundle: Path, image: dict[str, Any], root: str) -> dict[str, Any]:
    """runc's own default, changed to what the image says and a cluster's restrictions."""
    _output("runc", "spec", "--bundle", str(bundle))
    config: dict[str, Any] = json.loads((bundle / "config.json").read_text())
    user, _, group = image["User"].partition(":")
    config["root"] = {"path": root, "readonly": True}
    config["process"] |= {
        "terminal": False,
        "user": {"uid": int(user), "gid": int(group)},
        "args": image.get("Entrypoint", []),
        "env": image.get("Env", []),
        "cwd": image.get("WorkingDir") or "/",
        "capabilities": {},
        "noNewPrivileges": True,
    }
    namespaces = config["linux"]["namespaces"]
    config["linux"]["namespaces"] = [each for each in namespaces if each["type"] != "network"]
    options = ["nosuid", "nodev", "mode=1777"]
    config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": options})
    return config


def _bind(mount: Mount) -> dict[str, Any]:
    options = ["bind", "rw" if mount.writable else "ro"]
    return {"destination": mount.target, "type": "bind", "source": str(mount.source), "options": options}


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
