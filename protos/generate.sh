#!/bin/sh
# Generate sightline/proto from protos/. `--check` compares instead of writing (used by CI).
set -eu
cd "$(dirname "$0")/.."
out=.
[ "${1:-}" = --check ] && out=$(mktemp -d)
# The virtual path makes the generated imports those of the library's one copy: sightline.proto.
"${PYTHON:-.venv/bin/python}" -m grpc_tools.protoc -Isightline/proto=protos \
    --python_out="$out" --pyi_out="$out" --grpc_python_out="$out" \
    sightline/proto/featurizer.proto sightline/proto/alerts.proto
# Travels in Kafka records alone.
"${PYTHON:-.venv/bin/python}" -m grpc_tools.protoc -Isightline/proto=protos \
    --python_out="$out" --pyi_out="$out" sightline/proto/cloudevents.proto
if [ "${1:-}" = --check ]; then
    diff -r -x __pycache__ -x __init__.py "$out/sightline/proto" sightline/proto ||
        { echo "sightline/proto is stale: run \`make protos\`" >&2; exit 1; }
fi
