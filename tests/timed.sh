#!/bin/sh
# Cargo's runner in `make test`: asks the test program for the time of each test. The option is unstable, so it is
# unlocked for this one program and nothing that is compiled.
RUSTC_BOOTSTRAP=1 exec "$@" -Z unstable-options --report-time
