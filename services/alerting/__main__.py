"""Alerting: settings -> listen -> read its memory -> matches in, alerts out -> drain."""

import os

from services.alerting.settings import EXAMPLES, PROGRAM, Settings
from services.common.grpc_core import poll_in_one_thread
from services.common.lifecycle import run
from services.common.settings import load


def main(argv: list[str] | None = None) -> None:
    settings = load(Settings, argv, program=PROGRAM, examples=EXAMPLES)
    poll_in_one_thread()
    # The pictures process is another program: nothing of gRPC is to be kept alive over the fork that starts it.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    from services.alerting.app import serve  # imports grpc, which reads its environment once

    run(lambda lifecycle: serve(settings, lifecycle), settings)


if __name__ == "__main__":
    main()
