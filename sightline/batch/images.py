"""A directory of photographs as events: the id is the path in it, the source the directory, the time the file's.

A file `events.jsonl` in the directory may give attributes, a photograph a line:

    {"file": "garden/cat.jpg", "time": "2026-01-31T12:00:00Z", "camera": "c1", "locationid": "A"}
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from sightline.batch.chunks import Chunk, Partition, Record, Rows
from sightline.errors import ConfigError
from sightline.events import EVENT_TYPE, Limits, Reason, Refusal, build, is_attribute_name, parse_time_us
from sightline.formats.reader import RowReader

SIDECAR = "events.jsonl"
CONTENT_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
FILES_MAX = 1_000_000
CHUNK_IMAGES = 64
"""In memory at once."""


class _File(NamedTuple):
    time_us: int
    name: str
    size: int
    attributes: Mapping[str, str]


class ImagesInput:
    """Events come in the order of their times, then of their names. Raises ConfigError for a bad sidecar."""

    future_us_max = float("inf")

    def __init__(self, directory: Path, limits: Limits) -> None:
        self._directory = directory
        self._limits = limits._replace(future_s_max=float("inf"))
        attributes = _sidecar(directory / SIDECAR)
        self._files = sorted(self._file(path, attributes) for path in self._paths())
        if not self._files:
            raise ConfigError(f"holds no image ({', '.join(CONTENT_TYPES)})", file=directory)
        if unknown := attributes.keys() - {each.name for each in self._files}:
            raise ConfigError(f"names {min(unknown)!r}, which is no image of the directory", file=directory / SIDECAR)
        self.bytes: int | None = sum(each.size for each in self._files)

    def partitions(self, reader: RowReader, needed: frozenset[str]) -> Iterator[Partition]:
        yield self._chunks()

    def _paths(self) -> list[Path]:
        found: list[Path] = []
        for each in self._directory.rglob("*"):
            if each.suffix.lower() in CONTENT_TYPES and each.is_file():
                found.append(each)
                if len(found) > FILES_MAX:
                    raise ConfigError(f"holds more than {FILES_MAX} images", file=self._directory)
        return found

    def _file(self, path: Path, attributes: Mapping[str, Mapping[str, str]]) -> _File:
        name, stat = path.relative_to(self._directory).as_posix(), path.stat()
        given = attributes.get(name, {})
        time_us = parse_time_us(given["time"]) if "time" in given else stat.st_mtime_ns // 1000
        return _File(time_us, name, stat.st_size, given)

    def _chunks(self) -> Iterator[Chunk]:
        for first in range(0, len(self._files), CHUNK_IMAGES):
            files = self._files[first : first + CHUNK_IMAGES]
            rows: list[Any] = [self._event(each) for each in files]
            refusals = {index: row for index, row in enumerate(rows) if isinstance(row, Refusal)}
            for index in refusals:
                rows[index] = None
            times = [each.time_us // 1000 for each in files]
            offsets = range(first, first + len(files))
            where, record = partial(self._where, files), partial(self._record, files)
            yield Chunk(Rows(rows, refusals), times, offsets, record, where, sum(each.size for each in files))

    def _event(self, file: _File) -> Any:
        path = self._directory / file.name
        try:
            image = path.read_bytes() if file.size <= self._limits.event_bytes_max else None
        except OSError as error:
            return Refusal(Reason.EMPTY_VALUE, f"can't be read: {error.strerror}")
        if image is None:
            return Refusal(Reason.EVENT_TOO_LARGE, f"{file.size} bytes, allowed are {self._limits.event_bytes_max}")
        attributes = {"specversion": "1.0", "id": file.name, "source": str(self._directory), "type": EVENT_TYPE}
        content_type = CONTENT_TYPES[path.suffix.lower()]
        event = build({**attributes, **file.attributes}, content_type, image, None, 0, self._limits)
        if not isinstance(event, Refusal):
            event.time_us = file.time_us
        return event

    def _where(self, files: Sequence[_File], index: int) -> str:
        return str(self._directory / files[index].name)

    def _record(self, files: Sequence[_File], index: int) -> Record:
        """Its name stands for the image."""
        return Record(files[index].name.encode(), None, None, files[index].time_us // 1000)


def _sidecar(path: Path) -> dict[str, dict[str, str]]:
    """Attributes by file name. Raises ConfigError naming the row."""
    found: dict[str, dict[str, str]] = {}
    if not path.is_file():
        return found
    decoder = msgspec.json.Decoder(dict[str, str | None])
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = {name: text for name, text in decoder.decode(line).items() if text is not None}
                name = row.pop("file")
                if bad := [each for each in row if not is_attribute_name(each)]:
                    raise ValueError(f"{bad[0]!r} is no name of an attribute: lower-case letters and digits")
                if "time" in row:
                    parse_time_us(row["time"])
            except KeyError:
                raise ConfigError("has no `file`", file=path, line=number) from None
            except ValueError as error:
                raise ConfigError(str(error), file=path, line=number) from None
            found[name] = row
    return found
