"""Take out of installed packages what no service opens. `python slim.py SITE-PACKAGES`; runs inside an image's build.

Every pattern was looked at: what it removes is neither imported nor linked by what is left.
"""

import shutil
import sys
from pathlib import Path

UNUSED = (
    "*/include/**",  # headers: TensorFlow's are 290 MB
    "**/*.a",
    "**/*.h",
    "**/*.pxd",
    "**/*.pyi",
    "**/*.pyx",
    "**/tests",
    "pyarrow/src",
    # Only to be linked against; the loader takes the name with one number.
    "pyarrow/libarrow_python.so",
    "pyarrow/libarrow_python*.so.*.*.*",
    # Arrow over gRPC, and object stores: tables are files and topics.
    "pyarrow/_flight*",
    "pyarrow/libarrow_flight*",
    "pyarrow/libarrow_python_flight*",
    "pyarrow/_s3fs*",
    "pyarrow/libarrow_s3*",
    # A C++ parser that TensorFlow's package asks for and doesn't import.
    "clang/native/*",
    # LiteRT on WebGPU and on phones' accelerators.
    "ai_edge_litert/libLiteRtWebGpuAccelerator.so",
    "ai_edge_litert/tools/apply_plugin_main",
    "ai_edge_litert/vendors/*/compiler/*.so",
)
KEPT = ("numpy/_core/tests",)
"""numpy.testing, which others import, takes a name from there."""


def slim(packages: Path) -> None:
    for pattern in UNUSED:
        for path in sorted(packages.glob(pattern)):
            if not any(path.is_relative_to(packages / kept) for kept in KEPT):
                _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    slim(Path(sys.argv[1]))
