"""A pipeline's query looked at as far as it can be without Kafka."""

from sightline.formats.json import columns_of
from sightline.query.pipeline import PipelineFile
from sightline.query.planning.nodes import Plan
from sightline.query.planning.planner import plan
from sightline.query.schema import Column, event_columns
from sightline.query.types import parse_type


def check(file: PipelineFile) -> Plan | None:
    """The plan, or None where columns are known only at run time. Raises QueryError if the query is wrong."""
    columns = declared_columns(file)
    if columns is None or any(each.columns is None for each in file.pipeline.tables.values()):
        return None
    return plan(file, columns)[0]


def declared_columns(file: PipelineFile) -> dict[str, Column] | None:
    """The source's, or None where they are inferred or in a descriptor."""
    ((name, source),) = file.pipeline.sources.items()
    if source.format == "cloudevents":
        return event_columns(source)
    if source.columns is None:
        return None
    try:
        return columns_of({column: parse_type(kind) for column, kind in source.columns.items()})
    except ValueError as error:
        raise file.error(str(error), f"sources.{name}.columns") from None
