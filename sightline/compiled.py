"""Whether the parts in C are used. There is Python that does the same for each, where they were not built too."""

import os

NATIVE_VARIABLE = "SIGHTLINE_NATIVE"
"""0: Python alone."""


def wanted() -> bool:
    return os.environ.get(NATIVE_VARIABLE, "1") != "0"
