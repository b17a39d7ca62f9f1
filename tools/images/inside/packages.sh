#!/bin/sh
# Inside an image's build: the packages of one lock into /opt/sightline, without what no service opens.
set -eu
/opt/pip/bin/pip --python /opt/sightline/bin/python install --quiet --no-compile \
    --only-binary :all: --require-hashes -r "$1"
packages=$(echo /opt/sightline/lib/python3*/site-packages)
python3 /opt/inside/slim.py "$packages"
# Debug and symbol tables. Not of *.libs: those were rewritten after linking, and strip damages some of them. Not of
# NVIDIA's: its licence lets them be passed on as they are.
find "$packages" \( -name '*.libs' -o -path "$packages/nvidia" \) -prune -o -name '*.so*' -type f -exec strip --strip-unneeded {} +
/opt/inside/bytecode.sh "$packages"
