"""`python -m tools.images build|save|sizes [TARGET ...]`."""

import argparse
import sys
from pathlib import Path

from tools.images.builds import build, save
from tools.images.engines import Engine, ImagesError, find_engine
from tools.images.targets import PRODUCT, ROOT, TARGETS, version
from tools.images.weight import compressed_bytes

ARCHIVES = ROOT / "build/images"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.images", description=__doc__)
    parser.add_argument("command", choices=("build", "save", "sizes"), help="sizes are of compressed layers")
    parser.add_argument(
        "targets", nargs="*", default=PRODUCT, help=f"of {', '.join(TARGETS)}; the product's by default"
    )
    parser.add_argument("--tag", default=version(), help="the package's version by default")
    parser.add_argument("--engine", help="docker or buildah; the first that works by default")
    parser.add_argument("--base", help="image to build on, instead of the Dockerfile's: name@sha256:... pins it")
    parser.add_argument("--to", type=Path, default=ARCHIVES, help="directory of `save`'s archives (build/images)")
    arguments = parser.parse_args(argv)
    try:
        engine = find_engine(arguments.engine)
        if arguments.command == "build":
            build(arguments.targets, arguments.tag, engine, arguments.base)
        if arguments.command == "save":
            _save(arguments.targets, arguments.tag, engine, arguments.to)
        else:
            _sizes(arguments.targets, arguments.tag, engine)
    except ImagesError as error:
        print(f"images: {error}", file=sys.stderr)
        return 2
    return 0


def _save(targets: list[str], tag: str, engine: Engine, directory: Path) -> None:
    for target in targets:
        path = directory / f"{target}.tar"
        save(target, tag, path, engine)
        print(path)


def _sizes(targets: list[str], tag: str, engine: Engine) -> None:
    for target in targets:
        print(f"{target:16} {compressed_bytes(target, tag, engine) / 1e6:8.1f} MB", flush=True)


if __name__ == "__main__":
    sys.exit(main())
