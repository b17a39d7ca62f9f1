"""Build targets and write them to archives: the two calls that tests and the command line use."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tools.images.engines import Engine, ImagesError
from tools.images.targets import BASE, PRODUCT, ROOT, TARGETS, Target, image_name


def build(targets: Iterable[str], tag: str, engine: Engine, base: str | None = None) -> list[str]:
    """The images' names. `base` instead of the Dockerfile's own. Raises ImagesError."""
    chosen = [_known(name) for name in targets]
    for target in chosen:
        _check_contexts(target)
    engine.fetch(base or BASE)
    for target in chosen:
        engine.build(target, image_name(target.name, tag), _labels(target, tag), base)
    return [image_name(target.name, tag) for target in chosen]


def save(target: str, tag: str, path: Path, engine: Engine) -> None:
    """A docker-archive of the image under its one name, ready for `ctr images import`. Replaces `path` as a whole.

    Raises ImagesError.
    """
    image = image_name(_known(target).name, tag)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        engine.save(image, unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _known(name: str) -> Target:
    if name not in TARGETS:
        raise ImagesError(f"no target {name!r}: {', '.join(TARGETS)}")
    return TARGETS[name]


def _check_contexts(target: Target) -> None:
    for name, directory in target.contexts.items():
        if not directory.is_dir() or not any(directory.iterdir()):
            maker = {"exported-models": "make models", "jars": "make kafka"}[name]
            raise ImagesError(f"{target.name} is made from {directory}: run `{maker}` first")


def _labels(target: Target, tag: str) -> dict[str, str]:
    if target.name not in PRODUCT:
        return {}
    title = "org.opencontainers.image"
    return {f"{title}.version": tag, f"{title}.revision": _revision()}


def _revision() -> str:
    """The commit, `-modified` where the tree isn't its; unknown outside of a repository."""
    described = subprocess.run(
        ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=-modified"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return described.stdout.strip() or "unknown"
