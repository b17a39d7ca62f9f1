"""What builds images: Docker with BuildKit, or buildah. Both are given the same Dockerfile and the same names."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tools.images.targets import Target


class ImagesError(RuntimeError):
    """Nothing here builds images, or a build failed; the message says what to do."""


class Engine(Protocol):
    name: str

    def refusal(self) -> str | None:
        """Why it can't build here; None if it can."""

    def fetch(self, image: str) -> None:
        """Unless its store has it. Raises ImagesError."""

    def build(self, target: Target, image: str, labels: Mapping[str, str], base: str | None = None) -> None:
        """Into its store, its output to ours; `base` instead of the Dockerfile's own. Raises ImagesError."""

    def save(self, image: str, path: Path) -> None:
        """To a docker-archive that holds this name alone. Raises ImagesError."""

    def layers(self, image: str) -> list[str]:
        """Digests of its layers' contents, the base's first. Raises ImagesError."""


class Docker:
    name = "docker"

    def refusal(self) -> str | None:
        if shutil.which("docker") is None:
            return "not installed"
        for command, missing in (
            (("version", "--format", "{{.Server.Version}}"), ""),
            (("buildx", "version"), "buildx"),
        ):
            tried = _tried(["docker", *command])
            if tried.returncode:
                return f"needs {missing}" if missing else _last_line(tried.stderr)
        return None

    def fetch(self, image: str) -> None:
        if _tried(["docker", "image", "inspect", image]).returncode:
            _output(["docker", "pull", "--quiet", image])

    def build(self, target: Target, image: str, labels: Mapping[str, str], base: str | None = None) -> None:
        _run(["docker", "buildx", "build", "--load", *_build_flags(target, image, labels, base)])

    def save(self, image: str, path: Path) -> None:
        _run(["docker", "save", "--output", str(path), image])

    def layers(self, image: str) -> list[str]:
        form = "{{range .RootFS.Layers}}{{.}} {{end}}"
        return _output(["docker", "image", "inspect", "--format", form, image]).split()


class Buildah:
    name = "buildah"

    def refusal(self) -> str | None:
        return None if shutil.which("buildah") else "not installed"

    def fetch(self, image: str) -> None:
        _output(["buildah", "pull", "--quiet", "--policy", "missing", image])

    def build(self, target: Target, image: str, labels: Mapping[str, str], base: str | None = None) -> None:
        # chroot: works inside containers and without an OCI runtime too.
        isolation = os.environ.get("BUILDAH_ISOLATION", "chroot")
        flags = _build_flags(target, f"docker.io/{image}", labels, base)
        _run(["buildah", "build", "--layers", "--isolation", isolation, *flags])

    def save(self, image: str, path: Path) -> None:
        # It doesn't write over an archive.
        path.unlink(missing_ok=True)
        _run(["buildah", "push", "--quiet", f"docker.io/{image}", f"docker-archive:{path}:{image}"])

    def layers(self, image: str) -> list[str]:
        form = "{{range .OCIv1.RootFS.DiffIDs}}{{.}} {{end}}"
        return _output(["buildah", "inspect", "--type", "image", "--format", form, f"docker.io/{image}"]).split()


ENGINES: tuple[Engine, ...] = (Docker(), Buildah())


def find_engine(name: str | None = None) -> Engine:
    """The one named, or the first that can build here. Raises ImagesError with the reason of each that can't."""
    if name is not None and name not in {each.name for each in ENGINES}:
        raise ImagesError(f"no engine {name!r}: docker or buildah")
    reasons = []
    for engine in ENGINES:
        if name in (None, engine.name):
            reason = engine.refusal()
            if reason is None:
                return engine
            reasons.append(f"{engine.name}: {reason}")
    raise ImagesError(f"nothing here builds images; {'; '.join(reasons)}")


def _build_flags(target: Target, image: str, labels: Mapping[str, str], base: str | None = None) -> list[str]:
    flags = ["--file", str(target.dockerfile), "--tag", image]
    if target.stage is not None:
        flags += ["--target", target.stage]
    for name, directory in target.contexts.items():
        flags += ["--build-context", f"{name}={directory.resolve()}"]
    for name, value in labels.items():
        flags += ["--label", f"{name}={value}"]
    if base is not None:
        flags += ["--build-arg", f"BASE={base}"]
    return [*flags, str(target.context)]


def _run(command: Sequence[str]) -> None:
    if subprocess.run(command, check=False).returncode:
        raise ImagesError(f"failed: {' '.join(command)}")


def _tried(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _output(command: Sequence[str]) -> str:
    tried = _tried(command)
    if tried.returncode:
        raise ImagesError(f"{' '.join(command[:2])}: {_last_line(tried.stderr)}")
    return tried.stdout


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]
