#!/usr/bin/env bash
# Builds helm from the pinned Go module and prints the folder that holds it. A helm named by HELM wins.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
say() { printf '%s\n' "$*" >&2; }

if [ -n "${HELM:-}" ]; then
  [ -x "$HELM" ] || { say "error: HELM=$HELM is no program"; exit 1; }
  dirname "$HELM"
  exit
fi

version=$(sed -n 's|^.*helm.sh/helm/v3 ||p' "$here/go.mod" | head -n 1)
out=${XDG_CACHE_HOME:-$HOME/.cache}/idflow/helm-$version-$(sha256sum "$here/go.sum" | cut -c1-10)
if [ -x "$out/helm" ]; then echo "$out"; exit; fi

command -v go >/dev/null || { say "error: Go >= 1.24 is needed to build helm (or set HELM)"; exit 1; }
mkdir -p "$out"
say "building helm $version for the tests (once; about four minutes on two cores)"
# Without the stamps it calls itself v3.0 and takes every cluster for Kubernetes 1.20.
stamps="-X helm.sh/helm/v3/internal/version.version=$version"
for package in lint/rules chartutil; do
  stamps="$stamps -X helm.sh/helm/v3/pkg/$package.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/$package.k8sVersionMinor=34"
done
(cd "$here" && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags "-s -w $stamps" -o "$out/.helm.$$" helm.sh/helm/v3/cmd/helm)
mv "$out/.helm.$$" "$out/helm"
echo "$out"
