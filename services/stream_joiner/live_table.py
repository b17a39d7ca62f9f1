"""A table that events are joined with, whole before the first event, and the thread that keeps its rows current."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from services.stream_joiner.settings import Settings
from sightline.query.pipeline import Table
from sightline.query.tables import TableRows


class LiveTable(threading.Thread, ABC):
    """Its thread alone writes the rows; `rows.lookup` and `rows.refresh` are the stream's.

    `rows` are there once the table is loaded. `complete_since` is the monotonic time T such that everything that was
    in the topic or file at T is applied and committed.
    """

    rows: TableRows
    complete_since: float

    def __init__(self, name: str, table: Table, settings: Settings) -> None:
        super().__init__(name=f"table-{name}", daemon=True)
        self._table_name, self._table, self._settings = name, table, settings
        self._stopping = threading.Event()
        self._failed: Callable[[BaseException], object] = lambda error: None

    def follow(self, failed: Callable[[BaseException], object]) -> None:
        """Keep the rows current from now on. `failed` is called on the table's thread."""
        self._failed = failed
        self.start()

    def run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._keep_current()
        except Exception as error:
            self._failed(error)

    @abstractmethod
    def _keep_current(self) -> None:
        """Once; a short wait included, which ends with `_stopping`."""

    @abstractmethod
    def request_check(self, now: float) -> None:
        """Let `complete_since` reach `now`, a monotonic time, as soon as it is so. Does not block."""

    def stop(self) -> None:
        """Once nobody looks up any more."""
        self._stopping.set()
        if self.ident:
            self.join()
        if hasattr(self, "rows"):
            self.rows.save()
            self.rows.close()

    def row_count(self) -> int:
        return self.rows.row_count

    def conflict_count(self) -> int:
        return self.rows.conflicts
