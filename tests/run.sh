#!/usr/bin/env bash
# What the Makefile's targets do: tests/run.sh demo | test | soak | skew | bench | check
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/idflow
say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }

# --- what the machine has --------------------------------------------------------------------------------------

at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

need_rust() {
  command -v cargo >/dev/null || { say "Rust is missing: install it with https://rustup.rs, then run this again"; return 1; }
  local have want
  have=$(rustc --version | cut -d' ' -f2)
  want=$(awk -F'"' '/^rust-version/ { print $2 }' Cargo.toml)
  at_least "$have" "$want" || { say "Rust $want or newer is needed, found $have: rustup update stable"; return 1; }
  command -v cc >/dev/null || { say "a C compiler is missing: apt-get install build-essential"; return 1; }
}

need_go() {
  command -v go >/dev/null || { say "Go >= 1.24 is missing: without it (or KUBEBUILDER_ASSETS) the API server tests are skipped"; return 1; }
  local have
  have=$(go env GOVERSION | sed 's/^go//')
  at_least "$have" 1.24 || { say "Go >= 1.24 is needed, found $have: without it the API server tests are skipped"; return 1; }
}

need_node() {
  command -v node >/dev/null || { say "Node.js >= 20 is missing: without it the client and browser tests are skipped"; return 1; }
  at_least "$(node -p process.versions.node)" 20 || { say "Node.js >= 20 is needed, found $(node --version): without it the client and browser tests are skipped"; return 1; }
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif sudo -n true 2>/dev/null; then sudo -n "$@"; else return 1; fi
}

need_chromium() {
  [ -n "${CHROME:-}" ] && return
  command -v chromium chromium-browser google-chrome >/dev/null && return
  say "Chromium is missing: installing it with apt-get"
  { as_root apt-get -qq update && as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y install chromium >/dev/null; } 2>&1 | tail -n 3
  command -v chromium >/dev/null || { say "Chromium cannot be installed: set CHROME to one, else the browser tests are skipped"; return 1; }
}

check() {
  local all=0
  need_rust || all=1
  [ -n "${KUBEBUILDER_ASSETS:-}" ] || need_go || all=1
  need_node || all=1
  command -v chromium chromium-browser google-chrome >/dev/null || [ -n "${CHROME:-}" ] || { say "Chromium is missing: make test tries to install it"; all=1; }
  [ $all = 0 ] && say "Everything is here: Rust, Go, Node.js and Chromium."
  return $all
}

# --- targets ---------------------------------------------------------------------------------------------------

demo() {
  need_rust || return 1
  step "Building idflow: five to ten minutes the first time, then as long as what changed takes"
  cargo build --locked --bin idflow || return 1
  step "Starting examples/quickstart"
  exec cargo run --quiet --locked --bin idflow -- dev examples/quickstart
}

prepare() {
  step "Preparing the test servers and clients in $cache"
  { [ -n "${KUBEBUILDER_ASSETS:-}" ] || need_go; } && tests/cluster/build.sh && tests/helm/build.sh
  need_node && tests/client/install.sh 2>/dev/null
  need_chromium
  return 0
}

# Each part goes on after a failure, so that one run tells everything that is wrong.
failed_parts=()
times=()
part() {
  local name=$1 began=$SECONDS
  shift
  step "$name"
  "$@" 2>&1 | tee -a "$log"
  [ "${PIPESTATUS[0]}" = 0 ] || failed_parts+=("$name")
  times+=("$(printf '%3d min %2d s  %s' $(((SECONDS - began) / 60)) $(((SECONDS - began) % 60)) "$name")")
}

begin() {
  need_rust || return 1
  began=$SECONDS
  work=$(mktemp -d)
  log=$work/log
  export IDFLOW_TEST_SKIPPED=$work/skipped
  : >"$log"
  : >"$IDFLOW_TEST_SKIPPED"
  trap 'rm -rf "$work"' EXIT
  prepare
  export IDFLOW_SEED=$1 PROPTEST_RNG_SEED=$1
  say "Random tests begin with the seed $1; to repeat a run: IDFLOW_SEED=$1 PROPTEST_RNG_SEED=$1"
  host=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')
  export "CARGO_TARGET_${host}_RUNNER=$PWD/tests/timed.sh"
}

# Where cargo puts what it builds.
target() {
  cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/'
}

# One control plane and one Chromium for every test binary of the part.
with_servers() {
  cargo build --quiet --locked -p idflow-test-support --bins || return 1
  "$(target)/debug/with-servers" "$@"
}

test_all() {
  begin "${IDFLOW_SEED:-1}" || return 1
  part "Format" cargo fmt --all --check
  part "Lints" cargo clippy --workspace --all-targets --locked -- -D warnings
  part "Unit tests" cargo test --workspace --locked --no-fail-fast --lib --bins
  part "Whole-system tests" with_servers cargo test --workspace --locked --no-fail-fast --test '*'
  sum_up
}

# Kills, seeds and interleavings, much longer and from another seed each time.
soak() {
  begin "${IDFLOW_SEED:-$(date +%s)}" || return 1
  export IDFLOW_SOAK=1 PROPTEST_CASES=2000
  part "Kills of a whole executor" with_servers cargo test --locked --no-fail-fast --test kill
  part "Kills in a commit, and every order of calls" cargo test --locked --no-fail-fast -p idflow-store --lib
  part "Seeds of the simulation" cargo test --locked --no-fail-fast -p idflow-executor --test sim
  sum_up
}

skew() {
  need_rust || return 1
  step "Building the present program and the one of tests/releases/LAST"
  local released
  { need_go && tests/cluster/build.sh && tests/helm/build.sh && released=$(tests/releases/build.sh "$(cat tests/releases/LAST)"); } || {
    say "SKIPPED skew: the released program or the test servers cannot be had here"
    say "0 passed, 0 failed, 1 skipped"
    return 0
  }
  cargo build --quiet --locked --bin idflow && cargo build --quiet --locked -p idflow-test-support --bins || return 1
  step "The released version and the present one, each as the operator of the other"
  if "$(target)/debug/skew" "$released" "$(target)/debug/idflow"; then say "1 passed, 0 failed, 0 skipped"; else say "0 passed, 1 failed, 0 skipped"; return 1; fi
}

sum_up() {
  local passed failed returned ignored
  passed=$(awk '/^test result:/ { n += $4 } END { print n + 0 }' "$log")
  failed=$(awk '/^test result:/ { n += $6 } END { print n + 0 }' "$log")
  ignored=$(awk '/^test result:/ { n += $8 } END { print n + 0 }' "$log")
  # A test that says SKIPPED returns early, and the harness counts it as passed.
  returned=$(wc -l <"$IDFLOW_TEST_SKIPPED")
  step "The 15 slowest tests"
  awk '/^test .* <[0-9.]+s>$/ { time = $NF; gsub(/[<>s]/, "", time); printf "%8.1f s  %s\n", time, $2 }' "$log" | sort -rn | head -n 15
  step "Where the time went"
  printf '%s\n' "${times[@]}"
  step "Result after $(((SECONDS - began) / 60)) min $(((SECONDS - began) % 60)) s"
  sed 's/^/  /' "$IDFLOW_TEST_SKIPPED"
  awk '/^test .* \.\.\. FAILED/ { print "  FAILED " $2 }' "$log"
  for name in "${failed_parts[@]}"; do say "  NOT CLEAN: $name"; done
  awk '/^test .* \.\.\. ignored/ { print "  SKIPPED " $0 }' "$log"
  say "$((passed - returned)) passed, $failed failed, $((returned + ignored)) skipped"
  [ ${#failed_parts[@]} = 0 ]
}

bench() {
  need_rust || return 1
  step "Building the release program and measuring it (about ten minutes, most of it the build)"
  cargo bench --locked --bench bench
}

case ${1:-} in
  demo) demo ;;
  test) test_all ;;
  soak) soak ;;
  skew) skew ;;
  bench) bench ;;
  check) check ;;
  *) say "usage: tests/run.sh demo | test | soak | skew | bench | check"; exit 2 ;;
esac
