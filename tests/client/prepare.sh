#!/usr/bin/env bash
# Puts one of examples/clients into the cache folder outside the clone, gets and builds what it needs there, and prints
# the folder: tests/client/prepare.sh NAME
set -euo pipefail

name=$1
from=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../examples/clients/$name" && pwd)
need() { command -v "$1" >/dev/null || { echo "error: $1 is needed for the example $name" >&2; exit 1; }; }
failed() { echo "error: what the example $name needs cannot be had here ($1)" >&2; exit 1; }

sum=$(cd "$from" && find . -type f -not -path '*/node_modules/*' -print0 | sort -z | xargs -0 cat | sha256sum | cut -c1-10)
out=${XDG_CACHE_HOME:-$HOME/.cache}/idflow/example-$name-$sum
mkdir -p "$out"
exec 9>"$out/lock" && flock 9
if [ ! -f "$out/prepared" ]; then
  cp -r "$from/." "$out/"
  cd "$out"
  {
    if [ -f package.json ]; then need npm && { npm ci --ignore-scripts || failed "npm"; }; fi
    if [ -f requirements.txt ]; then need python3 && { python3 -m pip install --quiet --target packages -r requirements.txt || failed "pip"; }; fi
    if [ -f go.mod ]; then need go && { go build -mod=readonly -o program "$(cat build.txt 2>/dev/null || echo .)" || failed "go build"; }; fi
    if [ -f pom.xml ]; then need mvn && { mvn --batch-mode --quiet package || failed "mvn"; }; fi
    if [ -f packages.txt ]; then
      # Unpacked and not installed: nothing of the machine changes.
      need apt-get && need dpkg
      { (xargs apt-get download <packages.txt || { apt-get -qq update && xargs apt-get download <packages.txt; }) && for file in ./*.deb; do dpkg -x "$file" root; done; } || failed "apt-get download"
    fi
  } >&2
  touch prepared
fi
echo "$out"
