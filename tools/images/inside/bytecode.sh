#!/bin/sh
# Inside an image's build: compile once here what every start would else compile again, nothing being writable there.
# Unchecked: no file of an image changes, so none is looked at twice.
set -eu
python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash "$@"
