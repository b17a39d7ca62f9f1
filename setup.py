"""The one part that is not Python; all else stands in pyproject.toml.

Where there is no compiler the extension is left out, and records come through confluent-kafka's own objects.
"""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "sightline.io._batches",
            ["sightline/io/_batches.c"],
            extra_compile_args=[
                "-O2",
                "-Wall",
                "-Wextra",
                "-Wno-missing-field-initializers",
                "-Wno-cast-function-type",
            ],
            optional=True,
        )
    ]
)
