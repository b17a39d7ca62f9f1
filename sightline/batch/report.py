"""What became of the rows, and what is done about those that can't be used."""

import base64
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sightline.batch.chunks import Chunk
from sightline.errors import SightlineError
from sightline.events import Reason, Refusal
from sightline.formats.reader import RecordLike


class RowError(SightlineError):
    """A row that can't be used, where no such row is allowed."""


@dataclass
class Report:
    """Counts; `letters` gets what the stream would send to its dead-letter topic, or is None: such a row is an error.

    Late rows are no error: in a stream they are what is to be expected.
    """

    letters: Callable[[dict[str, Any]], object] | None = None
    rows: int = 0
    bytes: int = 0
    filtered: int = 0
    unmatched: int = 0
    written: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def refuse(self, chunk: Chunk, index: int, refusal: Refusal) -> None:
        """Raises RowError."""
        where = chunk.where(index)
        self._refuse(where, refusal, lambda: _as_it_came(chunk.record(index)))

    def refuse_record(self, where: str, record: RecordLike, refusal: Refusal) -> None:
        """Of a table's topic. Raises RowError."""
        self._refuse(where, refusal, lambda: _as_it_came(record))

    def refuse_group(self, what: str, refusal: Refusal) -> None:
        """Of the row of a window. Raises RowError."""
        self._refuse(what, refusal, dict)

    def _refuse(self, where: str, refusal: Refusal, record: Callable[[], dict[str, Any]]) -> None:
        if self.letters is None and refusal.reason is not Reason.LATE:
            raise RowError(f"{where}: {refusal.reason.value}: {refusal.detail} (see --on-error)")
        self.refused[refusal.reason.value] += 1
        if self.letters:
            self.letters({"where": where, "reason": refusal.reason.value, "detail": refusal.detail, **record()})


def _as_it_came(record: RecordLike) -> dict[str, Any]:
    """Bytes as text, or as base64 where they are none."""
    shown: dict[str, Any] = {}
    for name, raw in (("key", record.key), ("value", record.value)):
        if raw is not None:
            try:
                shown[name] = raw.decode()
            except UnicodeDecodeError:
                shown[name + "_base64"] = base64.b64encode(raw).decode()
    return shown
