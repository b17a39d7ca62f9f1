"""What there is to build, and what each image is called."""

import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
BASE = "docker.io/library/debian:bookworm-slim"
"""As the Dockerfiles have it."""
KAFKA_VERSION = "4.1.1"


class Target(NamedTuple):
    """`contexts`: directories the Dockerfile copies from besides its own context, by name."""

    name: str
    repository: str
    dockerfile: Path = ROOT / "Dockerfile"
    context: Path = ROOT
    stage: str | None = None
    contexts: dict[str, Path] = {}  # noqa: RUF012 - never changed
    tag: str | None = None
    """Only where it isn't the one asked for."""


def _product(name: str, **more: dict[str, Path]) -> Target:
    return Target(name, f"sightline/{name}", stage=name, **more)  # type: ignore[arg-type]


TARGETS = {
    each.name: each
    for each in (
        _product("stream-joiner"),
        _product("featurizer-cpu"),
        _product("featurizer-gpu"),
        _product("alerting"),
        _product("models", contexts={"exported-models": ROOT / "build/models"}),
        Target(
            "kafka",
            "apache/kafka",
            dockerfile=ROOT / "tools/images/kafka.Dockerfile",
            context=ROOT / "tools/images/inside",
            contexts={"jars": ROOT / "build/kafka/libs"},
            tag=KAFKA_VERSION,
        ),
    )
}
PRODUCT = tuple(name for name in TARGETS if name != "kafka")
"""The images of a release. `kafka` stands for apache/kafka in tests."""


def image_name(target: str, tag: str) -> str:
    """As a manifest names it: `sightline/alerting:dev`. Raises KeyError on a target that isn't there."""
    each = TARGETS[target]
    return f"{each.repository}:{each.tag or tag}"


def version() -> str:
    """The package's, which is the images' tag where none is given."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])
