"""sightline models: pull, export, list, measure."""

import argparse
import os
from pathlib import Path

from sightline.models.progress import to_stderr
from sightline.models.zoo import ENTRIES, INPUT_SIZES, entry

EXTRA = "demo"

_EXAMPLES = """examples:
  sightline models pull                                   the ImageNet weights of EfficientNet-Lite0, into the cache
  sightline models export --root build/models             pull if needed, then SavedModel + int8 LiteRT, version 1
  sightline models export --input-size 224 --version 2    a slower, more accurate one beside it
  sightline models list --root build/models               what is there, and which one `name` means
  sightline models measure                                speed and accuracy at each input size, on this machine
"""


def main(argv: list[str]) -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before anything imports TensorFlow: errors only
    arguments = _parser().parse_args(argv)
    return int(arguments.run(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sightline models",
        description="Get the networks, export them for serving, and look at what is there.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="pull | export | list | measure")
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
    return parser


def _pull(arguments: argparse.Namespace) -> int:
    from sightline.models.pull import pull

    print(pull(entry(arguments.model), arguments.cache, to_stderr))
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from sightline.models.export import export

    network = entry(arguments.model)
    size = arguments.input_size or network.input_size
    options = {"version": arguments.version, "input_size": size, "replace": arguments.replace}
    print(export(network, arguments.cache, arguments.root, say=to_stderr, **options))
    return 0
