"""Keeps the start-up chatter of TensorFlow's and LiteRT's native code off standard error."""

import importlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Neither library has a switch for these lines; each says that all is well.
_CHATTER = (
    b"All log messages before absl::InitializeLog() is called",
    b"oneDNN custom operations are on",
    b"Created TensorFlow Lite XNNPACK delegate for CPU",
    b"fully_quantize: ",
)

_lock = threading.Lock()


def tensorflow() -> Any:
    """The module tensorflow, imported on first use with its information and warnings off."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # else it takes the whole card, from whom shares it too
    with native_chatter_removed():
        return importlib.import_module("tensorflow")


@contextmanager
def native_chatter_removed() -> Iterator[None]:
    """What the process writes to file descriptor 2 in the block comes out at its end, without the known lines."""
    with _lock, tempfile.TemporaryFile() as caught:
        sys.stderr.flush()
        original = os.dup(2)
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)
            caught.seek(0)
            kept = [line for line in caught if not any(chatter in line for chatter in _CHATTER)]
            os.write(2, b"".join(kept))
