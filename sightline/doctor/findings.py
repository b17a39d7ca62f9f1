"""What a check says, and how findings are ordered and summed up."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import IntEnum


class Severity(IntEnum):
    """The number is the exit code of `sightline doctor` where this is the worst it found."""

    NOTE = 0
    WARNING = 1
    BROKEN = 2

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """`todo` is empty where nothing need be done. Both are one line, without a full stop."""

    severity: Severity
    check: str
    subject: str
    what: str
    todo: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self) | {"severity": self.severity.word}


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first; of equally bad ones those of one check together, in the order in which checks ran."""
    return sorted(findings, key=lambda each: -each.severity)


def worst(findings: Iterable[Finding]) -> Severity:
    return max((each.severity for each in findings), default=Severity.NOTE)


def one_line(text: str, limit: int = 300) -> str:
    """What the cluster said, without its line breaks, cut at `limit` characters."""
    words = " ".join(text.split()).rstrip(".")
    return words if len(words) <= limit else words[: limit - 3] + "..."
