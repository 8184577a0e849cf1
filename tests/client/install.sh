#!/usr/bin/env bash
# Puts the test clients and their pinned packages into the cache folder outside the clone and prints that folder.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
say() { printf '%s\n' "$*" >&2; }

command -v node >/dev/null && command -v npm >/dev/null || { say "error: Node.js >= 20 with npm is needed for the client and browser tests"; exit 1; }
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 20 ] || { say "error: Node.js >= 20 is needed for the client and browser tests, found $(node --version)"; exit 1; }

out=${XDG_CACHE_HOME:-$HOME/.cache}/idflow/client-$(sha256sum "$here/package-lock.json" | cut -c1-10)
mkdir -p "$out"
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$out/"
cp "$here"/*.mjs "$out/"
if [ ! -f "$out/installed" ]; then
  (cd "$out" && npm ci --ignore-scripts >&2) || { say "error: npm ci failed in $out (no package registry?)"; exit 1; }
  touch "$out/installed"
fi
echo "$out"
