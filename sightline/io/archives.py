"""A model directory packed as .tar.gz, .tgz, .tar or .zip: fetched from a URL, verified, unpacked into its place.

1. fetch     into a temporary file beside the target, in one request (not every server knows ranges)
2. verify    its SHA-256, before anything in it is looked at
3. unpack    files and directories only, into a temporary directory of the same file system
4. move      each <model>/<version> to its place, replacing one that is there; and files beside it
5. mark      the target with the checksum: with it there, a second call does nothing
"""

import hashlib
import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

import fsspec
from fsspec.callbacks import Callback

from sightline.errors import ConfigError, SightlineError

MARKER = ".fetched.sha256"
SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")
CONNECT_S, SILENT_S = 30.0, 60.0
"""Seconds until an HTTP server is connected, and between two parts of its answer, at most."""

Progress = Callable[[int, int | None], object]
"""Bytes fetched, and of how many; None: the server does not say."""


class FetchError(SightlineError):
    """The archive could not be fetched; trying again may help."""


class ArchiveError(SightlineError):
    """What was fetched is not what was promised, or not to be unpacked."""


def fetch(url: str, sha256: str, target: Path, progress: Progress) -> bool:
    """The archive's models in `target`; False if they were there already.

    Raises FetchError, ArchiveError, and ConfigError for a URL or directory that can't be used.
    """
    sha256 = sha256.lower()
    marker = target / MARKER
    if marker.is_file() and marker.read_text().strip() == sha256:
        return False
    if not url.split("?")[0].endswith(SUFFIXES):
        raise ConfigError(f"{url} does not end with {', '.join(SUFFIXES)}", key="--url")
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target, prefix=".fetch-") as folder:
            archive, unpacked = Path(folder, "archive"), Path(folder, "unpacked")
            _download(url, archive, progress)  # 1
            _verify(archive, sha256, url)  # 2
            _unpack(archive, unpacked, url)  # 3
            _move(list(_entries(unpacked, url)), unpacked, target, Path(folder))  # 4
        marker.write_text(sha256 + "\n")  # 5
    except OSError as error:
        raise ConfigError(f"can't be written: {error.strerror or error}", file=target, key="--to") from None
    return True


class _Told(Callback):  # type: ignore[misc]
    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def call(self, *_: Any, **__: Any) -> None:
        self._progress(self.value, self.size)


def _download(url: str, file: Path, progress: Progress) -> None:
    options: dict[str, Any] = {}
    if url.startswith(("http://", "https://")):
        import aiohttp

        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENT_S)
        options = {"client_kwargs": {"timeout": limits, "trust_env": True}}
    try:
        system, path = fsspec.core.url_to_fs(url, **options)
    except (ImportError, ValueError) as error:
        raise ConfigError(f"{url}: {error}", key="--url") from None
    try:
        system.get_file(path, str(file), callback=_Told(progress))
    except FileNotFoundError:
        raise FetchError(f"{url}: not found") from None
    except Exception as error:
        # Each kind of storage has exceptions of its own, without a common ancestor.
        raise FetchError(f"{url}: {type(error).__name__}: {error}") from None


def _verify(archive: Path, sha256: str, url: str) -> None:
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ArchiveError(f"{url}: its sha256 is {found}, {sha256} was expected; nothing was unpacked")


def _unpack(archive: Path, target: Path, url: str) -> None:
    try:
        members = _zip_members(archive) if zipfile.is_zipfile(archive) else _tar_members(archive)
        for name, content in members:
            _write(target / _inside(name), content)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, ValueError) as error:
        raise ArchiveError(f"{url}: {error}") from None


def _tar_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """By hand, since Debian's Python 3.11 has no extraction filters."""
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isdir():
                continue
            content = tar.extractfile(member) if member.isreg() else None
            if content is None:
                raise ValueError(f"{member.name} is neither a file nor a directory")
            yield member.name, content


def _zip_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            if member.is_dir():
                continue
            if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
                raise ValueError(f"{member.filename} is neither a file nor a directory")
            with opened.open(member) as content:
                yield member.filename, content


def _inside(name: str) -> PurePosixPath:
    """Raises ValueError for a path that leads out."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or not path.parts:
        raise ValueError(f"{name!r} lies outside of the directory")
    return path


def _write(path: Path, content: IO[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        shutil.copyfileobj(content, file, 1 << 20)


def _entries(unpacked: Path, url: str) -> Iterator[Path]:
    """Versions and files such as version-labels.json of each model. Raises ArchiveError where there is no model."""
    versions = [each for each in unpacked.glob("*/*") if each.is_dir() and each.name.isdecimal()]
    if not versions:
        raise ArchiveError(f"{url}: holds no <model>/<version>/ at its top, such as efficientnet-lite0/1/")
    for model in {each.parent for each in versions}:
        yield from model.iterdir()


def _move(entries: list[Path], unpacked: Path, target: Path, scratch: Path) -> None:
    for number, entry in enumerate(entries):
        place = target / entry.relative_to(unpacked)
        place.parent.mkdir(exist_ok=True)
        if place.exists():
            place.rename(scratch / f"replaced-{number}")
        entry.rename(place)
