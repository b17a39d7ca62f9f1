"""sightline models fetch: a packed model directory from a URL."""

import argparse
import re
import sys
import time
from pathlib import Path

from sightline.errors import ConfigError

SAY_EVERY_S = 2.0


def add_to(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", required=True, help="http(s)://, file://, or what fsspec has installed, such as s3://")
    parser.add_argument("--sha256", required=True, metavar="HEX", help="of the archive, verified before it is unpacked")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="model directory")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Raises SightlineError."""
    from sightline.io.archives import fetch

    if not re.fullmatch(r"[0-9a-fA-F]{64}", arguments.sha256):
        raise ConfigError(f"{arguments.sha256!r} is not 64 hexadecimal digits", key="--sha256")
    print(f"fetching {arguments.url} ...", file=sys.stderr, flush=True)
    fetched = fetch(arguments.url, arguments.sha256, arguments.to, _Teller())
    print(f"{arguments.to}: {'fetched and verified' if fetched else 'is there already'}", flush=True)
    return 0


class _Teller:
    def __init__(self) -> None:
        self._due_s = time.monotonic() + SAY_EVERY_S

    def __call__(self, done: int, total: int | None) -> None:
        if time.monotonic() > self._due_s:
            self._due_s = time.monotonic() + SAY_EVERY_S
            of = f" of {total / 1e6:.0f}" if total else ""
            print(f"{done / 1e6:.0f}{of} MB", file=sys.stderr, flush=True)
