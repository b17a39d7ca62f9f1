#!/bin/sh
# Resolve pyproject.toml into the one lock file: every version pinned by hash, no index named.
# Needs uv (pip install uv).
set -eu
cd "$(dirname "$0")/.."
exec uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
    --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
    --output-file requirements.lock --quiet "$@"
