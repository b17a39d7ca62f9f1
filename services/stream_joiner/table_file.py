"""A table in a file: whole before the first event, read again beside the rows in use when the file has changed."""

import logging
import time
from collections.abc import Callable
from math import inf
from pathlib import Path

import msgspec

from services.stream_joiner.live_table import LiveTable
from services.stream_joiner.settings import Settings
from sightline.errors import ConfigError, SightlineError
from sightline.io.table_files import file_columns, read_rows
from sightline.query.pipeline import Table
from sightline.query.tables import TableRows

log = logging.getLogger(__name__)

YIELD_ROWS = 256
"""Rows after which other threads get their turn: under a millisecond of work."""

Fingerprint = tuple[int, int, int]


class TableFile(LiveTable):
    """`reloaded` hears "loaded" or "refused" after a change.

    A file that can't be used leaves the rows as they are. One that is replaced by a rename is never seen half written.
    """

    complete_since = inf

    def __init__(self, name: str, table: Table, settings: Settings, reloaded: Callable[[str], object]) -> None:
        super().__init__(name, table, settings)
        assert table.file is not None
        self._reloaded = reloaded
        self._path = Path(table.file)
        self._declared = table.columns is not None
        self._seen: Fingerprint | None = None

    def load(self) -> None:
        """Raises ConfigError naming file, row and column."""
        self._seen = self._fingerprint()
        self._table.columns = file_columns(self._path, self._table)
        rows = TableRows(self._table_name, self._table, self._settings.table_limits)
        self._fill(rows)
        rows.refresh()
        self.rows = rows

    def request_check(self, now: float) -> None:
        """A file is what it is: an unknown key is not waited for."""

    def _keep_current(self) -> None:
        if not self._stopping.wait(self._settings.table_reload_s):
            self._look()

    def _look(self) -> None:
        now = self._fingerprint()
        if now == self._seen:
            return
        self._seen = now
        try:
            self._reload()
        except SightlineError as error:
            log.error("table file refused", extra={"table": self._table_name, "why": str(error)})
            self._reloaded("refused")
        else:
            self._reloaded("loaded")

    def _reload(self) -> None:
        table = self._table
        if not self._declared:
            found = file_columns(self._path, msgspec.structs.replace(table, columns=None))
            if found != table.columns:
                raise ConfigError("has other columns than at start; restart to use them", file=self._path)
        fresh = self.rows.empty_copy(table)
        try:
            self._fill(fresh)
        except BaseException:
            fresh.close()
            raise
        self.rows.replace(fresh)

    def _fill(self, rows: TableRows) -> None:
        started, replaced, count = time.monotonic(), 0, 0
        try:
            for count, row in enumerate(read_rows(self._path, rows.kind), start=1):
                replaced += rows.put(row)
                if count % YIELD_ROWS == 0:
                    time.sleep(0)
        except ValueError as error:
            raise ConfigError(f"row {count}: {error}", file=self._path) from None
        rows.commit()
        rows.conflicts = replaced
        took = round(time.monotonic() - started, 3)
        more = {"table": self._table_name, "rows": rows.row_count, "replaced": replaced, "seconds": took}
        log.info("table loaded", extra=more)
        if replaced:
            log.warning("a table's file has keys twice; the last row of each is used", extra=more)

    def _fingerprint(self) -> Fingerprint | None:
        """None while there is no file."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
