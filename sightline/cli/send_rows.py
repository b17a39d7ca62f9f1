"""Rows of a table to its topic."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import msgspec

from sightline.cli.kafka_options import brokers
from sightline.cli.send_delivery import Delivery
from sightline.errors import ConfigError


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError naming file and line before anything is sent."""
    for option in ("topic", "key"):
        if getattr(arguments, option) is None:
            raise ConfigError("is needed with --rows", key=f"--{option}")
    rows = list(read(arguments.rows, arguments.key))
    delivery = Delivery(brokers(arguments), arguments.topic, "rows", arguments.timeout_s)
    for key, value in rows:
        delivery.send(key, value)
    delivery.finish()
    print(f"{delivery.acknowledged} rows sent to {arguments.topic}")
    return 0


def read(path: Path, column: str) -> Iterator[tuple[str, bytes]]:
    """Key and value of each row; a line is sent as it is."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror}", file=path, key="--rows") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            raise ConfigError(f"is not JSON: {error}", file=path, line=number) from None
        if not isinstance(row, dict):
            raise ConfigError("is no JSON object", file=path, line=number)
        key = row.get(column)
        if isinstance(key, bool) or not isinstance(key, str | int):
            said = f"is {key!r}" if column in row else "is missing"
            raise ConfigError(f"{said}; a text or a whole number is needed as the key", path, column, number)
        yield str(key), line
