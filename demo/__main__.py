"""python -m demo: the main job on real input. --help says more."""

import logging
import os
import signal
import sys

EXIT_FAILED, EXIT_INTERRUPTED = 2, 130


def _terminated(*_: object) -> None:
    raise SystemExit(128 + signal.SIGTERM)


def main() -> int:
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # it would tell of every child we start beside its threads
    # Imported here, so that Ctrl-C during the imports ends as quietly as later.
    from rich.console import Console

    from demo.options import parse
    from demo.run import play
    from demo.screen import Screen
    from sightline.errors import SightlineError
    from tools.processes import ProcessError

    options = parse()
    options.directory.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=options.directory / "demo.log", filemode="w", level=logging.INFO)
    screen = Screen(Console(highlight=False, soft_wrap=True, no_color=options.headless))
    try:
        return play(options, screen)
    except (ProcessError, SightlineError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return EXIT_FAILED


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's background job starts with it ignored
    try:
        code = main()
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        code = 1
    raise SystemExit(code)
