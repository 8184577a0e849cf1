#!/usr/bin/env bash
# Builds the program of a commit into the cache folder and prints its path.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
say() { printf '%s\n' "$*" >&2; }
commit=${1:?usage: build.sh COMMIT}
out=${XDG_CACHE_HOME:-$HOME/.cache}/idflow/releases/${commit:0:12}
if [ -x "$out/idflow" ]; then echo "$out/idflow"; exit; fi

if ! git cat-file -e "$commit^{commit}" 2>/dev/null; then
  say "fetching $commit, which this clone does not have"
  git fetch --quiet --depth 1 origin "$commit" || { say "error: commit $commit is not in this clone and cannot be fetched"; exit 1; }
fi
mkdir -p "$out"
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
git archive "$commit" | tar -x -C "$source"
say "building the program of $commit (once; a few minutes)"
(cd "$source" && CARGO_TARGET_DIR=$source/target cargo build --quiet --locked --bin idflow >&2)
cp "$source/target/debug/idflow" "$out/.idflow.$$"
mv "$out/.idflow.$$" "$out/idflow"
echo "$out/idflow"
