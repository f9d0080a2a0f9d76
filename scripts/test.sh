#!/usr/bin/env bash
# All tests: those of cargo, then the scripts, each of which starts a server and
# acts as its users. A script that can't run on this machine says why; that is no
# failure.
set -euo pipefail
unset CDPATH
cd "$(dirname "$0")/.."

# Without features the program is built from three packages beside its own.
packages=$(cargo tree --locked --edges normal --prefix none --no-dedupe | cut -d' ' -f1 | sort -u | paste -sd' ')
if [ "$packages" != 'guardhouse httparse log simple_logger' ]; then
    echo "the default build does not have exactly three other packages: $packages"
    exit 1
fi

# These two builds have all tests: no test needs one feature and the absence of the other.
# (`.ci/run` checks that each set of features builds.)
cargo test --locked
cargo test --locked --all-features

cargo build --release --locked --bins --example echo --example notes
export GUARDHOUSE="${CARGO_TARGET_DIR:-target}/release/guardhouse"

passed=0 failed=0 skipped=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT
for script in scripts/*.sh; do
    name=$(basename "$script" .sh)
    case $name in
        # What the scripts share, this script, and the one that measures.
        server | test | bench) continue ;;
    esac
    began=$SECONDS
    if ! "$script" >"$output" 2>&1 </dev/null; then
        failed=$((failed + 1))
        echo "$script: FAILED"
        cat "$output"
    elif reason=$(grep '^skipped: ' "$output"); then
        skipped=$((skipped + 1))
        echo "$script: $reason"
    else
        passed=$((passed + 1))
        echo "$script: passed in $((SECONDS - began)) s"
    fi
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
