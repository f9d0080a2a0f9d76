#!/usr/bin/env bash
# An independent parser accepts everything that guardhouse accepts, and reads the
# same in it: random requests, valid and broken, go to the echo program and to h11.
#
#   scripts/differential.sh [SEED [CONNECTIONS]]
#
# h11 comes from PyPI into a virtual environment in target/. Without python3 or PyPI
# the script says so and ends.
set -euo pipefail
unset CDPATH
cd "$(dirname "$0")/.."

# A build without optimisation: there an overflow panics, and the answer is 500.
cargo build --locked --quiet --example echo
GUARDHOUSE=${CARGO_TARGET_DIR:-target}/debug/examples/echo
. scripts/server.sh

from_pypi h11==0.16.0

start
echo 'h11 sees the same method, target, headers and body, and the same next request.'
"$dir/venv/bin/python" tests/differential.py 127.0.0.1 "$port" "$@"
