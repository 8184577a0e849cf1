#!/usr/bin/env bash
# What the Makefile's targets do: tests/run.sh demo | test | bench | check
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
  step "Building idflow (the first time takes a few minutes), then starting examples/quickstart"
  exec cargo run --quiet -- dev examples/quickstart
}

prepare() {
  step "Preparing the test servers and clients in $cache"
  { [ -n "${KUBEBUILDER_ASSETS:-}" ] || need_go; } && tests/cluster/build.sh
  need_node && tests/client/install.sh 2>/dev/null
  need_chromium
  return 0
}

# Each part goes on after a failure, so that one run tells everything that is wrong.
failed_parts=()
part() {
  local name=$1
  shift
  step "$name"
  "$@" 2>&1 | tee -a "$log"
  [ "${PIPESTATUS[0]}" = 0 ] || failed_parts+=("$name")
}

test_all() {
  need_rust || return 1
  local began=$SECONDS work
  work=$(mktemp -d)
  log=$work/log
  export IDFLOW_TEST_SKIPPED=$work/skipped
  : >"$log"
  : >"$IDFLOW_TEST_SKIPPED"
  # shellcheck disable=SC2064 # the folder as it is named now: at exit the variable is gone
  trap "rm -rf '$work'" EXIT
  prepare
  part "Format" cargo fmt --all --check
  part "Lints" cargo clippy --workspace --all-targets --locked -- -D warnings
  part "Unit tests" cargo test --workspace --locked --no-fail-fast --lib --bins
  part "Whole-system tests" cargo test --workspace --locked --no-fail-fast --test '*'
  sum_up "$began"
}

sum_up() {
  local passed failed returned ignored
  passed=$(awk '/^test result:/ { n += $4 } END { print n + 0 }' "$log")
  failed=$(awk '/^test result:/ { n += $6 } END { print n + 0 }' "$log")
  ignored=$(awk '/^test result:/ { n += $8 } END { print n + 0 }' "$log")
  # A test that says SKIPPED returns early, and the harness counts it as passed.
  returned=$(wc -l <"$IDFLOW_TEST_SKIPPED")
  step "Result after $(((SECONDS - $1) / 60)) min $(((SECONDS - $1) % 60)) s"
  sed 's/^/  /' "$IDFLOW_TEST_SKIPPED"
  awk '/^test .* \.\.\. FAILED$/ { print "  FAILED " $2 }' "$log"
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
  bench) bench ;;
  check) check ;;
  *) say "usage: tests/run.sh demo | test | bench | check"; exit 2 ;;
esac
