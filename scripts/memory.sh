#!/usr/bin/env bash
# Memory stays bounded whatever a peer sends: endless lines, headers, chunk
# extensions and trailers, huge lengths, millions of small chunks. Each makes the
# resident size of the echo program grow by less than 2 MiB.
#
# Needs python3 and Linux's /proc; without them the script says so and ends.
set -euo pipefail
unset CDPATH
cd "$(dirname "$0")/.."

cargo build --locked --quiet --example echo
GUARDHOUSE=${CARGO_TARGET_DIR:-target}/debug/examples/echo
. scripts/server.sh

command -v python3 >/dev/null || skip 'python3 is not installed'
[ -w /proc/self/clear_refs ] || skip 'there is no /proc/PID/clear_refs to reset a peak with'

start
echo 'The resident size of the echo program, while a client sends too much.'
python3 tests/memory.py 127.0.0.1 "$port" "$server"
