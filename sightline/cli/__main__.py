"""The command `sightline`: one module a command, imported only when it runs."""

import argparse
import importlib
import sys

from sightline.errors import SightlineError

COMMANDS = {
    "doctor": "say what is wrong with a release on Kubernetes, and what to do",
    "explain": "say how a pipeline's query runs",
    "models": "get, fetch, export, list and measure the networks",
    "query": "run a pipeline's query once, over files or a range of a topic",
    "send": "send photographs or table rows to Kafka, and wait for the alert",
    "topics": "make Kafka's topics, or bring them to what is wanted",
}


def main(argv: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(
        prog="sightline",
        description="Streaming vision on Kafka: what isn't a service.",
        epilog="commands:\n" + "".join(f"  {name:10} {what}\n" for name, what in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="command", help="one of the commands below")
    command = str(parser.parse_args(arguments[:1]).command)
    try:
        return int(importlib.import_module(f"sightline.cli.{command}").main(arguments[1:]))
    except SightlineError as error:
        print(f"sightline {command}: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("sightline", "services"):
            raise
        print(f"sightline {command}: needs the package {error.name}; {_extra(command)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"sightline {command}: interrupted", file=sys.stderr)
        return 130


def _extra(command: str) -> str:
    extra = importlib.import_module(f"sightline.cli.{command}").EXTRA
    return f"install it with: pip install 'sightline[{extra}]'"


if __name__ == "__main__":
    sys.exit(main())
