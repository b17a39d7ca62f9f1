"""The tables of a batch query, read once."""

from pathlib import Path

from sightline.batch.report import Report
from sightline.errors import ConfigError
from sightline.io.brokers import Brokers
from sightline.query.pipeline import FILE_SUFFIXES, PipelineFile
from sightline.query.schema import did_you_mean
from sightline.query.tables import TableRows


def use_files(file: PipelineFile, given: list[str]) -> None:
    """`NAME=FILE` in place of what the pipeline says. Raises ConfigError."""
    tables = file.pipeline.tables
    for each in given:
        name, _, path = each.partition("=")
        if name not in tables:
            raise ConfigError(f"no table {name!r}{did_you_mean(name, tables)}", key="--tables")
        if Path(path).suffix not in FILE_SUFFIXES:
            raise ConfigError(f"{path!r} does not end with {', '.join(FILE_SUFFIXES)}", key="--tables")
        tables[name].file, tables[name].topic = path, None


def load_tables(file: PipelineFile, brokers: Brokers | None, report: Report) -> dict[str, TableRows]:
    """By name. Columns that are not declared are set as the rows have them. Raises SightlineError."""
    tables = {}
    for name, table in file.pipeline.tables.items():
        if table.topic is not None and brokers is None:
            raise file.error(f"a topic needs --bootstrap-servers; or give --tables {name}=FILE", f"tables.{name}.topic")
        from sightline.io.whole_tables import file_table, topic_table

        if table.topic is None:
            tables[name] = file_table(name, table)
        else:
            assert brokers
            tables[name] = topic_table(name, table, brokers, report.refuse_record)
    return tables
