#!/usr/bin/env bash
# Records what a version writes, as tests/releases/<commit>: make.sh COMMIT. Run it once, at the release.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
commit=$(git rev-parse --verify "${1:?usage: make.sh COMMIT}^{commit}")
program=$(tests/releases/build.sh "$commit")
folder=tests/releases/${commit:0:12}
mkdir "$folder"
cargo run --quiet --locked -p idflow-test-support --bin record-release -- "$program" "$folder"
echo "$commit" >tests/releases/LAST
echo "recorded $folder"
