#!/usr/bin/env bash
# Builds etcd, kube-apiserver, kube-controller-manager and kubectl from the pinned Go modules and prints the
# folder that holds them. A folder named by KUBEBUILDER_ASSETS wins when it holds all four.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
programs="etcd kube-apiserver kube-controller-manager kubectl"
say() { printf '%s\n' "$*" >&2; }

holds_all() {
  for program in $programs; do [ -x "$1/$program" ] || return 1; done
}

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  holds_all "$KUBEBUILDER_ASSETS" || { say "error: KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS lacks one of: $programs"; exit 1; }
  echo "$KUBEBUILDER_ASSETS"
  exit
fi

version=$(awk '$1 == "k8s.io/kubernetes" && $2 ~ /^v/ { print $2; exit }' "$here/go.mod")
out=${XDG_CACHE_HOME:-$HOME/.cache}/idflow/kubernetes-$version-$(sha256sum "$here/go.sum" | cut -c1-10)
if holds_all "$out"; then echo "$out"; exit; fi

command -v go >/dev/null || { say "error: Go >= 1.24 is needed to build the Kubernetes test servers (or set KUBEBUILDER_ASSETS)"; exit 1; }
mkdir -p "$out"
stamp=k8s.io/component-base/version
for program in $programs; do
  [ -x "$out/$program" ] && continue
  case $program in
    etcd) package=go.etcd.io/etcd/server/v3 ;;
    *) package=k8s.io/kubernetes/cmd/$program ;;
  esac
  say "building $program $version for the tests (once; the first takes about five minutes on two cores)"
  started=$SECONDS
  # Without the stamps the server calls itself v0.0.0-master and refuses newer API defaults.
  (cd "$here" && CGO_ENABLED=0 go build -mod=readonly -trimpath \
    -ldflags "-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=1 -X $stamp.gitMinor=$(cut -d. -f2 <<<"$version") -X $stamp.gitTreeState=clean" \
    -o "$out/.$program.$$" "$package")
  mv "$out/.$program.$$" "$out/$program"
  say "  $program: $((SECONDS - started)) s"
done
echo "$out"
