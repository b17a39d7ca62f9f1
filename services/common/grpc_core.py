"""How gRPC's C core moves bytes in our processes."""

import os

_EVENT_ENGINE = (
    "event_engine_client",
    "event_engine_listener",
    "event_engine_callback_cq",
    "event_engine_for_all_other_endpoints",
)


def poll_in_one_thread() -> None:
    """Let the thread that hands completions to Python poll the sockets itself. Call before grpc is imported.

    The core's EventEngine polls in threads of its own and hands every read and write over to that thread. On an idle
    machine a message then costs about twice the thread wake-ups and 0.2 ms more for a round trip (the measurements are
    in services/featurizer/README.md). A GRPC_EXPERIMENTS in the environment wins.
    """
    os.environ.setdefault("GRPC_EXPERIMENTS", ",".join("-" + name for name in _EVENT_ENGINE))
