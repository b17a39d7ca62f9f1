"""What alert rules need to know of a pipeline."""

from pathlib import Path
from typing import NamedTuple

from sightline.query.pipeline import PipelineFile, load_all
from sightline.query.planning.check import check


class PipelineFacts(NamedTuple):
    """`columns` is None where they are known only at run time; `plain`: its rows are JSON and no CloudEvents."""

    name: str
    topic: str
    key: tuple[str, ...]
    columns: frozenset[str] | None
    plain: bool = False


def load_facts(path: Path) -> dict[str, PipelineFacts]:
    """The pipelines of a file or directory, by name. Raises ConfigError."""
    return {file.pipeline.name: _facts(file) for file in load_all(path)}


def _facts(file: PipelineFile) -> PipelineFacts:
    pipeline = file.pipeline
    plan = check(file)
    columns = frozenset(plan.output) if plan else None
    sink = pipeline.sink
    return PipelineFacts(pipeline.name, sink.topic, tuple(sink.key), columns, sink.format == "json")
