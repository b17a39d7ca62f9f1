"""The library's exceptions. What is wrong with one record is data (`sightline.events.Refusal`), not an exception.

SightlineError
└── ConfigError      a file or setting of the user's: fix it and start again
    └── QueryError   the SQL of a pipeline
"""

from dataclasses import dataclass
from pathlib import Path


class SightlineError(Exception):
    """Anything this library raises on purpose."""


@dataclass
class ConfigError(SightlineError):
    """Something the user wrote can't be used. Shown as `file:line:column: key: message`."""

    message: str
    file: Path | str | None = None
    key: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return ": ".join(part for part in (place, self.key, self.message) if part)


class QueryError(ConfigError):
    """SQL that is wrong or not supported; points at the offending token."""
