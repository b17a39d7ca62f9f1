"""`sightline models fetch`: archives from an HTTP server that knows nothing but GET, and what is refused."""

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sightline.cli.__main__ import main

FILES = {
    "m/1/model.tflite": b"one",
    "m/2/labels.txt": b"cat\ndog\n",
    "m/version-labels.json": b"{}",
    "other/7/saved/variables": b"x" * 100_000,
}


def packed(members: dict[str, bytes], change: Callable[[tarfile.TarInfo], object] = lambda _: None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            change(info)
            tar.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return out.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


@contextmanager
def http(content: bytes, length: bool = True) -> Iterator[tuple[str, list[str]]]:
    """URL of a server for these bytes, and what was asked. It has no HEAD, no ranges, and may not say the length."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404 if "missing" in self.path else 200)
            if length:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def fetch(url: str, content: bytes, into: Path, sha256: str | None = None) -> int:
    digest = sha256 or hashlib.sha256(content).hexdigest()
    return main(["models", "fetch", "--url", url, "--sha256", digest, "--to", str(into)])


def files_in(root: Path) -> dict[str, bytes]:
    found = {str(each.relative_to(root)): each.read_bytes() for each in root.rglob("*") if each.is_file()}
    return {name: content for name, content in found.items() if not name.startswith(".")}


@pytest.mark.parametrize("length", [True, False])
def test_from_a_plain_http_server_once(tmp_path: Path, length: bool) -> None:
    content = packed(FILES)
    with http(content, length) as (url, asked):
        assert fetch(f"{url}/models.tar.gz", content, tmp_path / "models") == 0
        assert files_in(tmp_path / "models") == FILES
        assert fetch(f"{url}/models.tar.gz", content, tmp_path / "models") == 0
        assert asked == ["/models.tar.gz"]


def test_a_zip_from_a_file_beside_what_is_there(tmp_path: Path) -> None:
    root = tmp_path / "models"
    for name, content in {"m/1/stale": b"old", "mine/3/model.tflite": b"mine"}.items():
        (root / name).parent.mkdir(parents=True)
        (root / name).write_bytes(content)
    archive = tmp_path / "models.zip"
    archive.write_bytes(zipped(FILES))
    assert fetch(archive.as_uri(), archive.read_bytes(), root) == 0
    assert files_in(root) == FILES | {"mine/3/model.tflite": b"mine"}  # version 1 of m was replaced, not mixed


def as_link(info: tarfile.TarInfo) -> None:
    info.type, info.linkname, info.size = tarfile.SYMTYPE, "/etc/passwd", 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.tar.gz", packed({"../m/1/x": b""}), "outside"),
        ("a.tar.gz", packed({"/m/1/x": b""}), "outside"),
        ("a.tar.gz", packed({"m/1/x": b""}, as_link), "neither a file nor a directory"),
        ("a.zip", zipped({"m/../../1/x": b""}), "outside"),
        ("a.tar.gz", packed({"model.tflite": b"bare"}), "holds no <model>/<version>/"),
        ("a.tar.gz", b"this is no archive", "file could not be opened"),
        ("a.exe", packed(FILES), "does not end with"),
    ],
)
def test_what_is_refused_leaves_nothing(tmp_path: Path, capsys, name: str, content: bytes, said: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    assert fetch(file.as_uri(), content, tmp_path / "into" / "models") == 2
    assert said in capsys.readouterr().err
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [file]


def test_a_wrong_checksum_is_found_before_unpacking(tmp_path: Path, capsys) -> None:
    content = packed(FILES)
    with http(content) as (url, _):
        assert fetch(f"{url}/models.tgz", content, tmp_path / "models", sha256="0" * 64) == 2
        said = capsys.readouterr().err
        assert hashlib.sha256(content).hexdigest() in said and "0" * 64 in said
        assert files_in(tmp_path) == {}
        assert fetch(f"{url}/models.tgz", content, tmp_path / "models", sha256="abc") == 2
        assert "--sha256: 'abc' is not 64 hexadecimal digits" in capsys.readouterr().err


def test_what_is_not_there_is_said(tmp_path: Path, capsys) -> None:
    with http(b"") as (url, _):
        assert fetch(f"{url}/missing.zip", b"", tmp_path) == 2
        assert "missing.zip: not found" in capsys.readouterr().err
    assert fetch(f"{url}/models.zip", b"", tmp_path) == 2  # the server is gone
    assert "/models.zip: ClientConnectorError" in capsys.readouterr().err
    assert fetch("nothing://x/models.zip", b"", tmp_path) == 2
    assert "--url: nothing://x/models.zip: Protocol not known" in capsys.readouterr().err
