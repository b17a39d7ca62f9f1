#!/bin/sh
# Inside an image's build: this package with its compiled parts into /opt/sightline.
set -eu
/opt/pip/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /opt/wheels .
/opt/pip/bin/pip --python /opt/sightline/bin/python install --quiet --no-compile --no-deps --no-index /opt/wheels/*.whl
packages=$(echo /opt/sightline/lib/python3*/site-packages)
# Optional to setuptools, not to an image.
ls "$packages"/sightline/io/_batches.*.so "$packages"/sightline/formats/_columns.*.so \
	"$packages"/sightline/query/runtime/_vectors.*.so >/dev/null
/opt/inside/bytecode.sh "$packages"
