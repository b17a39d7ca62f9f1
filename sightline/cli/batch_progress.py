"""A bar on the terminal while a batch query runs; nothing where standard error is none."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sightline.batch.report import Report


@contextmanager
def progress(bytes_total: int | None, report: Report) -> Iterator[Callable[[], object]]:
    """Yields what is to be called now and then."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    rows = TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f}/s, {task.fields[written]:,} written")
    columns = (BarColumn(), rows, TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("query", total=bytes_total, rows=0, rate=0.0, written=0)

        def advance() -> None:
            spent_s = bar.tasks[0].elapsed or 1e-9
            bar.update(
                task,
                completed=report.bytes,
                rows=report.rows,
                rate=report.rows / spent_s,
                written=report.written,
            )

        yield advance
