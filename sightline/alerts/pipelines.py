"""What alert rules need to know of a pipeline."""

from pathlib import Path
from typing import NamedTuple

from sightline.query.pipeline import PipelineFile, load_all
from sightline.query.planning.check import check


class PipelineFacts(NamedTuple):
    """`columns` is None where they are known only at run time."""

    name: str
    topic: str
    key: tuple[str, ...]
    columns: frozenset[str] | None


def load_facts(path: Path) -> dict[str, PipelineFacts]:
    """The pipelines of a file or directory whose rows are CloudEvents, by name. Raises ConfigError."""
    files = [each for each in load_all(path) if each.pipeline.sink.format == "cloudevents"]
    return {file.pipeline.name: _facts(file) for file in files}


def _facts(file: PipelineFile) -> PipelineFacts:
    pipeline = file.pipeline
    plan = check(file)
    columns = frozenset(plan.output) if plan else None
    return PipelineFacts(pipeline.name, pipeline.sink.topic, tuple(pipeline.sink.key), columns)
