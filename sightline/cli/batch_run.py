"""`sightline query` from its arguments to the summary: input -> tables -> plan -> models -> rows -> output."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.batch.execute import Execution
from sightline.batch.output import STDOUT, Letters, discard_partial, open_output
from sightline.batch.report import Report
from sightline.cli.batch_input import open_input, reader_for
from sightline.cli.batch_progress import progress
from sightline.cli.batch_tables import load_tables, use_files
from sightline.cli.kafka_options import brokers_if_given
from sightline.errors import ConfigError, SightlineError
from sightline.query.compiling.query import Query, ResultRow, compile_plan
from sightline.query.pipeline import PipelineFile
from sightline.query.planning.check import check
from sightline.query.planning.planner import plan
from sightline.query.tables.binding import bind_tables
from sightline.query.windows.windowing import StateFullError


@dataclass
class _Run:
    arguments: argparse.Namespace
    file: PipelineFile
    report: Report
    parts: ExitStack


def run(arguments: argparse.Namespace) -> int:
    """Raises SightlineError."""
    file = PipelineFile(arguments.pipeline)
    use_files(file, arguments.tables)
    check(file)  # a wrong query is refused before anything is read
    started_s = time.monotonic()
    with ExitStack() as parts:
        report = Report(_letters(arguments, parts))
        _execute(_Run(arguments, file, report, parts))
    print(_summary(arguments.output, report, time.monotonic() - started_s), file=sys.stderr)
    return 0


def _letters(arguments: argparse.Namespace, parts: ExitStack) -> Letters | None:
    if arguments.on_error == "fail":
        return None
    path = arguments.dead_letters
    if path is None:
        if arguments.output == STDOUT:
            raise ConfigError("say where dead letters go: --dead-letters FILE", key="--on-error")
        path = Path(arguments.output + ".dead-letters.jsonl")
    letters = Letters(path)
    parts.callback(letters.close)
    return letters


def _execute(this: _Run) -> None:
    arguments, report = this.arguments, this.report
    source = open_input(this.file, arguments, this.parts)
    reader = reader_for(this.file, arguments, source)
    tables = load_tables(this.file, brokers_if_given(arguments), report)
    for each in tables.values():
        this.parts.callback(each.close)
    planned, expressions = plan(this.file, dict(reader.columns))
    query = compile_plan(planned, expressions)
    _check_time(this.file, query, source)
    models = _models(this, query)
    bound = bind_tables(query, tables)
    for each in tables.values():
        each.refresh()
    execution = Execution(this.file.pipeline, query, bound, models, report)
    needed = planned.source_columns
    rows = execution.run(source.partitions(reader.needs(needed), needed), source.future_us_max)
    this.parts.callback(discard_partial, arguments.output)
    output = open_output(arguments.output, planned.types)
    try:
        with progress(source.bytes, report) as advance:
            for some in _limited(rows, arguments.limit_rows):
                output.write(some)
                report.written += len(some)
                advance()
        output.finish()
    except StateFullError as error:
        output.abandon()
        raise SightlineError(str(error)) from None
    except BaseException:
        output.abandon()
        raise


def _limited(rows: Iterator[Sequence[ResultRow]], rows_max: int | None) -> Iterator[Sequence[ResultRow]]:
    left = rows_max
    for some in rows:
        if left is None:
            yield some
            continue
        yield some[:left]
        left -= len(some)
        if left <= 0:
            return


def _check_time(file: PipelineFile, query: Query, source: Any) -> None:
    """Rows of a file have no timestamp that could stand for their time. Raises ConfigError."""
    (name,) = file.pipeline.sources
    timed = [each.table for each in query.plan.joins if file.pipeline.tables[each.table].valid_from]
    used = "time" in query.plan.source_columns or query.plan.grouping or timed
    if query.plan.event_time is None and used and source.future_us_max == float("inf"):
        raise file.error("is needed: rows of a file have no timestamp", f"sources.{name}.event_time")


def _models(this: _Run, query: Query) -> Any:
    calls = query.plan.models
    if not calls:
        return None
    models: Any
    if this.arguments.featurizer_address:
        from sightline.io.featurizer import RemoteModels

        models = RemoteModels(this.file, calls, this.arguments.featurizer_address)
    else:
        from sightline.batch.local_models import LocalModels

        models = LocalModels(this.file, calls, this.arguments.model_root)
    this.parts.callback(models.close)
    return models


def _summary(target: str, report: Report, spent_s: float) -> str:
    parts = [f"{report.rows:,} rows read", f"{report.written:,} written to {'stdout' if target == STDOUT else target}"]
    parts += [f"{count:,} {reason}" for reason, count in sorted(report.refused.items())]
    if isinstance(report.letters, Letters) and report.refused:
        parts.append(f"dead letters in {report.letters.path}")
    return ", ".join(parts) + f"; {spent_s:.1f} s, {report.rows / max(spent_s, 1e-9):,.0f} rows/s"
