"""Only known chatter is dropped from standard error."""

import os

import pytest

from sightline.models.quiet import native_chatter_removed


def test_keeps_what_it_does_not_know(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError), native_chatter_removed():
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\nreal trouble\n")
        raise ValueError
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "real trouble\nafter\n"
