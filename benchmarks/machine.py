"""What a result must say about where it was measured."""

import platform
from importlib.metadata import version

PACKAGES = ("ai-edge-litert", "confluent-kafka", "grpcio", "numpy", "simplejpeg", "uvloop")


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
