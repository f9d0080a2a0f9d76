#!/usr/bin/env bash
# All tests: those of cargo, then the stories, each against a server of its own.
# A story that can't be told here says why, and is no failure.
set -euo pipefail
unset CDPATH
cd "$(dirname "$0")/.."

# Without features there are three packages, and no more.
packages=$(cargo tree --locked --edges normal --prefix none --no-dedupe | cut -d' ' -f1 | sort -u | paste -sd' ')
if [ "$packages" != 'guardhouse httparse log simple_logger' ]; then
    echo "the default build has other packages than three: $packages"
    exit 1
fi

cargo test --locked
cargo test --locked --features tls
cargo test --locked --features login
cargo test --locked --all-features

cargo build --release --locked --bins --examples
export GUARDHOUSE="${CARGO_TARGET_DIR:-target}/release/guardhouse"

passed=0 failed=0 skipped=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT
for script in scripts/*.sh; do
    story=$(basename "$script" .sh)
    case $story in
        # What the stories share, this script, and what measures.
        server | test | bench) continue ;;
    esac
    began=$SECONDS
    if ! "$script" >"$output" 2>&1 </dev/null; then
        failed=$((failed + 1))
        echo "story $story: FAILED"
        cat "$output"
    elif reason=$(grep '^skipped: ' "$output"); then
        skipped=$((skipped + 1))
        echo "story $story: $reason"
    else
        passed=$((passed + 1))
        echo "story $story: passed in $((SECONDS - began)) s"
    fi
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
