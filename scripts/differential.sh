#!/usr/bin/env bash
# What guardhouse accepts, an independent parser accepts too, and reads alike:
# random requests, sound and broken, go to the echo program and to h11.
#
#   scripts/differential.sh [SEED [CONNECTIONS]]
#
# h11 comes from PyPI into a temporary virtual environment. Without python3 or
# PyPI it says so and skips.
set -euo pipefail
unset CDPATH
cd "$(dirname "$0")/.."

# Not optimised: arithmetic that overflows panics, and the panic is a 500.
cargo build --locked --quiet --example echo
GUARDHOUSE=${CARGO_TARGET_DIR:-target}/debug/examples/echo
. scripts/server.sh

command -v python3 >/dev/null || skip 'there is no python3'
python3 -m venv "$dir/venv" >"$dir/pip" 2>&1 || skip "no venv: $(tail -n 1 "$dir/pip")"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 10 \
    h11==0.16.0 >"$dir/pip" 2>&1 ||
    skip "h11 can't be installed: $(tail -n 1 "$dir/pip")"

start
echo 'Against h11: the same method, target, fields and content, and the same next request.'
"$dir/venv/bin/python" tests/differential.py 127.0.0.1 "$port" "$@"
