"""Certificates for tests: an authority, and what servers and clients need of it as PEM files."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


class Files(NamedTuple):
    """`both`: the key and then the chain, as Java wants them."""

    certificate: Path
    key: Path
    both: Path


class Authority:
    def __init__(self, directory: Path) -> None:
        self._directory, self._made = directory, trustme.CA()
        directory.mkdir(parents=True, exist_ok=True)
        self.ca = directory / "ca.pem"
        self._made.cert_pem.write_to_path(self.ca)

    def issue(self, *names: str, file: str = "server", days: float = 365) -> Files:
        """A certificate for these names or addresses, in files of that name; issued again it replaces them."""
        issued = self._made.issue_cert(*names, not_after=datetime.now(UTC) + timedelta(days=days))
        files = Files(*(self._directory / f"{file}.{kind}" for kind in ("crt", "key", "pem")))
        chain = b"".join(each.bytes() for each in issued.cert_chain_pems)
        key = load_pem_private_key(issued.private_key_pem.bytes(), None)
        key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        for path, content in zip(files, (chain, key_pem, key_pem + chain), strict=True):
            new = path.with_suffix(".new")
            new.write_bytes(content)
            new.replace(path)
        return files
