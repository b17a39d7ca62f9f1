# Sourced by run: tells `make e2e` how it gets its clusters. What can't be had here is named, and the tests that need it
# are skipped with that reason; nothing in here fails.
lab=$(cd .. && pwd)/shared/cluster
base=docker.io/library/debian:bookworm-slim
reason=
export PREFIX=${PREFIX:-${XDG_CACHE_HOME:-$HOME/.cache}/sightline-e2e}
# Ports of their own, beside clusters that somebody uses here.
fake="env MODE=fake STATE='$PREFIX/e2e-fake' API_PORT=26443 NODES=spare-0"
real="env MODE=real STATE='$PREFIX/e2e-real' API_PORT=25443 NODES=cpu-0"

# attempt SECONDS WHAT COMMAND: whether it went well; if not, $reason tells. Its output is in build/e2e-logs.
attempt() {
  local log="build/e2e-logs/${2// /-}.log"
  echo "e2e: $2 ..."
  timeout "$1" bash -c "$3" >"$log" 2>&1 </dev/null && return
  reason="$2 failed: $(tail -n 1 "$log")"
  return 1
}

has_programs() {
  [[ -x $lab/up.sh ]] || { reason="there is no ../shared/cluster"; return 1; }
  attempt 900 "building the cluster" "PARTS='k8s etcd helm kubeconform kwok coredns images' '$lab/build.sh'" || return 1
  attempt 300 "making schemas" "PARTS=schemas '$lab/build.sh'" || echo "e2e: $reason"
}

runs_pods() {
  [[ $(id -u) = 0 ]] || { reason="only root can run real pods"; return 1; }
  # Layers of images are overlays, which can't lie on one.
  [[ $(stat -f -c %T "$PREFIX") != overlayfs ]] || { reason="$PREFIX lies on an overlay"; return 1; }
  attempt 600 "installing what runs containers" "PARTS=apt '$lab/build.sh'" || return 1
  buildah inspect --type image "$base" >/dev/null 2>&1 || attempt 600 "making a base image" "'$lab/base-image.sh' $base" || return 1
  attempt 300 "trying a cluster" "trap \"$real '$lab/down.sh' >/dev/null 2>&1\" EXIT; $real '$lab/up.sh'
    export KUBECONFIG='$PREFIX/e2e-real/kubeconfig'
    kubectl run try --image=\$(awk '/image:/ {print \$2; exit}' '$lab/testchart/values.yaml') && kubectl wait pod/try --for=condition=Ready --timeout=60s"
}

# The tests build them too, which takes no time once it is done.
has_images() {
  attempt 1200 "building images" ".venv/bin/python -m tools.images build stream-joiner featurizer-cpu alerting models kafka --tag tests"
}

mkdir -p build/e2e-logs "$PREFIX"
if has_programs; then
  export PATH=$PREFIX/bin:$PATH
  export SIGHTLINE_FAKE_CLUSTER_UP="$fake '$lab/up.sh'" SIGHTLINE_FAKE_CLUSTER_DOWN="$fake '$lab/down.sh'"
  if runs_pods && has_images; then
    export SIGHTLINE_CLUSTER_UP="$real '$lab/up.sh'" SIGHTLINE_CLUSTER_DOWN="$real '$lab/down.sh'"
    export SIGHTLINE_LOAD_IMAGE="env STATE='$PREFIX/e2e-real' '$lab/load-image.sh'"
  else
    export SIGHTLINE_CLUSTER_SKIP="$reason"
    echo "e2e: no pods: $reason"
  fi
else
  export SIGHTLINE_CLUSTER_SKIP="$reason" SIGHTLINE_FAKE_CLUSTER_SKIP="$reason"
  echo "e2e: no cluster: $reason"
fi
