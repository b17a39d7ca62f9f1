#!/bin/sh
# Resolve pyproject.toml into the one lock file, every version pinned by hash, no index named; then cut each image's
# own part out of it. Needs uv (pip install uv).
set -eu
cd "$(dirname "$0")/.."

# lock FILE INPUT [ARGUMENT...]
lock() {
    file=$1 input=$2
    shift 2
    uv pip compile "$input" --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --no-emit-index-url --no-emit-find-links --quiet --output-file "$file" "$@"
}

lock requirements.lock pyproject.toml --extra dev "$@"
for each in stream-joiner:joiner featurizer-cpu:featurizer featurizer-gpu:gpu alerting:alerting; do
    lock "requirements/${each%:*}.lock" pyproject.toml --extra "${each#*:}" --constraint requirements.lock
done
# What builds the wheel of this package inside an image.
echo setuptools | lock requirements/build.lock - --constraint requirements.lock
