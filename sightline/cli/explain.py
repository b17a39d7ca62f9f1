"""sightline explain: how a pipeline's query runs."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sightline.query.pipeline import PipelineFile
    from sightline.query.schema import Column

EXTRA = "batch"

_EXAMPLES = """examples:
  sightline explain pipelines/find-bond.yaml           filters, joins, models, windows and state, in their order
  sightline explain pipelines/find-bond.yaml --code    the Python that it becomes
"""


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="sightline explain",
        description="Print the plan of a pipeline. Needs no Kafka where columns are declared.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pipeline", type=Path, help="pipeline file")
    parser.add_argument("--code", action="store_true", help="print the generated source instead")
    parser.add_argument("--tables", nargs="+", default=[], metavar="NAME=FILE", help="take these tables from files")
    return _run(parser.parse_args(argv))


def _run(arguments: argparse.Namespace) -> int:
    """Raises SightlineError."""
    from sightline.cli.batch_tables import use_files
    from sightline.errors import ConfigError
    from sightline.query.compiling.query import compile_plan
    from sightline.query.pipeline import PipelineFile
    from sightline.query.planning.explain import explain
    from sightline.query.planning.planner import plan

    file = PipelineFile(arguments.pipeline)
    use_files(file, arguments.tables)
    columns = _source_columns(file)
    known = _table_columns(file) and columns is not None
    if not known:
        if arguments.code:
            raise ConfigError("columns are known only at run time; declare them to see the code", file=file.path)
        print(explain(None, file), end="")
        return 0
    assert columns is not None
    planned, expressions = plan(file, columns)
    query = compile_plan(planned, expressions)
    print(query.source if arguments.code else explain(planned, file), end="")
    return 0


def _source_columns(file: "PipelineFile") -> "dict[str, Column] | None":
    """None where they are inferred."""
    from sightline.events import DEFAULT_LIMITS
    from sightline.formats.source import source_reader

    (source,) = file.pipeline.sources.values()
    if source.format == "json" and source.columns is None:
        return None
    return dict(source_reader(file, DEFAULT_LIMITS, dict).columns)


def _table_columns(file: "PipelineFile") -> bool:
    """Sets those that a file tells, as far as the tables declare none. Whether all are known then."""
    from sightline.io.table_files import file_columns

    for table in file.pipeline.tables.values():
        if table.columns is None and table.file is not None:
            table.columns = file_columns(Path(table.file), table)
    return all(table.columns is not None for table in file.pipeline.tables.values())
