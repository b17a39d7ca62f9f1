"""sightline models: pull, export, fetch, list, measure."""

import argparse
from pathlib import Path

from sightline.cli import models_fetch
from sightline.models.progress import to_stderr
from sightline.models.zoo import ENTRIES, INPUT_SIZES, entry

EXTRA = "demo"

_EXAMPLES = """examples:
  sightline models pull                                   the ImageNet weights of EfficientNet-Lite0, into the cache
  sightline models export --root build/models             pull if needed, then SavedModel + int8 LiteRT, version 1
  sightline models export --input-size 224 --version 2    a slower, more accurate one beside it
  sightline models fetch --url https://models.example.com/models.tar.gz --sha256 0f3c... --to /models
                                                          a packed model directory: <model>/<version>/...
  sightline models list --root build/models               what is there, and which one `name` means
  sightline models measure                                speed and accuracy at each input size, on this machine
"""


def main(argv: list[str]) -> int:
    arguments = _parser().parse_args(argv)
    return int(arguments.run(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sightline models",
        description="Get the networks, export them for serving, and look at what is there.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="pull | export | fetch | list | measure")
    root = argparse.ArgumentParser(add_help=False)
    root.add_argument("--root", type=Path, default=Path("build/models"), help="model directory (%(default)s)")
    source = argparse.ArgumentParser(add_help=False)
    source.add_argument("model", nargs="?", default="efficientnet-lite0", help=f"{', '.join(ENTRIES)} (%(default)s)")
    source.add_argument("--cache", type=Path, default=Path("build/models-cache"), help="for weights (%(default)s)")

    pull = commands.add_parser("pull", parents=[source], help="fetch published weights, checksum verified")
    pull.set_defaults(run=_pull)
    export = commands.add_parser("export", parents=[root, source], help="make a version directory for serving")
    export.add_argument("--version", type=int, default=1, help="version number (%(default)s)")
    export.add_argument(
        "--input-size", type=int, choices=INPUT_SIZES, help="edge in pixels (default: the measured one)"
    )
    export.add_argument("--replace", action="store_true", help="replace the version if it is a different one")
    export.set_defaults(run=_export)
    models_fetch.add_to(commands.add_parser("fetch", help="get a packed model directory from a URL, checksum verified"))
    listing = commands.add_parser("list", parents=[root], help="the models in a directory and their versions")
    listing.set_defaults(run=_list)
    measure = commands.add_parser("measure", parents=[source], help="speed and accuracy at each input size (minutes)")
    measure.add_argument("--frames", type=int, default=400, help="jittered photographs to score (%(default)s)")
    measure.add_argument(
        "--sizes", type=int, nargs="+", choices=INPUT_SIZES, default=list(INPUT_SIZES), help="of the input (all)"
    )
    measure.add_argument("--photographs", type=Path, help="a directory of your own instead, files named …_<class>.jpg")
    measure.add_argument(
        "--into", type=Path, default=Path("build/models-measured"), help="work directory (%(default)s)"
    )
    measure.set_defaults(run=_measure)
    return parser


def _pull(arguments: argparse.Namespace) -> int:
    from sightline.models.pull import pull

    print(pull(entry(arguments.model), arguments.cache, to_stderr))
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from sightline.models.export import export

    network = entry(arguments.model)
    size = arguments.input_size or network.input_size
    root, version = arguments.root, arguments.version
    made = export(
        network, arguments.cache, root, version=version, input_size=size, replace=arguments.replace, say=to_stderr
    )
    print(made)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from sightline.models import manifest, repository

    for name, versions in repository.models(arguments.root).items():
        for version in versions:
            folder = arguments.root / name / str(version)
            made = manifest.read(folder)
            engines = [
                engine
                for engine, file in (("litert", "model.tflite"), ("tensorflow", "saved_model.pb"))
                if (folder / file).is_file()
            ]
            size = f"{made.input_size} x {made.input_size}" if made else "size unknown"
            newest = f"  <- {name}" if version == versions[-1] else ""
            print(f"{name}@{version}  {size}  {', '.join(engines) or 'no model file'}{newest}")
    return 0


def _measure(arguments: argparse.Namespace) -> int:
    from sightline.models import measure
    from sightline.models.export import export

    network, sizes = entry(arguments.model), arguments.sizes
    cache, into = arguments.cache, arguments.into
    made = [export(network, cache, into, version=size, input_size=size, replace=True, say=to_stderr) for size in sizes]
    source = arguments.photographs
    frames = measure.frames_in(source) if source else measure.jittered_frames(arguments.frames)
    to_stderr(f"scoring {len(frames)} photographs at {len(sizes)} sizes with both engines ...")
    measured = [measure.accuracy(directory, frames) for directory in made]
    to_stderr("timing ...")
    print(measure.markdown(sizes, measured, measure.speeds(made, frames)))
    return 0
