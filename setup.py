"""The parts that are not Python; all else stands in pyproject.toml.

Where there is no compiler they are left out, and Python does the same (sightline/compiled.py): records come through
confluent-kafka's own objects then, and JSON through msgspec alone.
"""

from setuptools import Extension, setup

WARNINGS = ["-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Wno-cast-function-type"]


def extension(name: str, *headers: str) -> Extension:
    source = name.replace(".", "/") + ".c"
    return Extension(name, [source], depends=list(headers), extra_compile_args=["-O2", *WARNINGS], optional=True)


setup(
    ext_modules=[
        extension("sightline.io._batches", "sightline/io/_librdkafka.h", "sightline/io/_batch.h"),
        extension("sightline.formats._columns", "sightline/formats/_json_text.h", "sightline/formats/_json_time.h"),
        extension("sightline.query.runtime._vectors"),
    ]
)
