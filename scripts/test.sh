#!/usr/bin/env bash
# All tests: those of cargo, and the scripts, each of which starts a server and acts as
# its users. A script that can't run on this machine says why; that is no failure.
#
# All is built first, except the static program of `image.sh`. Then four of them run at a time,
# because they often wait.
set -euo pipefail
unset CDPATH
cd "$(dirname "$0")/.."

# Without features the program is built from three packages beside its own.
packages=$(cargo tree --locked --edges normal --prefix none --no-dedupe | cut -d' ' -f1 | sort -u | paste -sd' ' -)
if [ "$packages" != 'guardhouse httparse log simple_logger' ]; then
    echo "the default build does not have exactly three other packages: $packages"
    exit 1
fi

# These two builds have all tests: no test needs one feature and the absence of the other.
# (`.ci/run` checks that each set of features builds.)
target=${CARGO_TARGET_DIR:-target}
cargo test --no-run --locked
cargo test --no-run --locked --all-features --target-dir "$target/features"
cargo build --release --locked --bins
(. scripts/server.sh && use_build_with_features)
export GUARDHOUSE=$target/release/guardhouse
built=$SECONDS

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
export target results

# run NAME: runs it, for ten minutes at most, and says how it ended.
run() {
    local began=$SECONDS output=$results/$1 command=("scripts/$1.sh") end=passed reason=
    case $1 in
        cargo) command=(cargo test --locked) ;;
        cargo-all-features) command=(cargo test --locked --all-features --target-dir "$target/features") ;;
    esac
    if ! timeout 600 "${command[@]}" >"$output" 2>&1 </dev/null; then
        end=FAILED
    elif [[ $1 != cargo* ]] && reason=$(grep '^skipped: ' "$output"); then
        end=skipped
    fi
    echo "$1: ${reason:-$end in $((SECONDS - began)) s}"
    mv "$output" "$output.$end"
}
export -f run

# The longest first.
tests=(cargo-all-features cargo openapi steps capacity login)
for script in scripts/*.sh; do
    name=$(basename "$script" .sh)
    case " ${tests[*]} server test bench " in
        # Also not: what the scripts share, this script, and the one that compares with others.
        *" $name "*) ;;
        *) tests+=("$name") ;;
    esac
done
# If one is killed, xargs gives up.
printf '%s\n' "${tests[@]}" | xargs -P 4 -I NAME bash -c 'run NAME' || true

# What the tests of cargo and those that failed have printed.
for output in "$results"/cargo*.passed "$results"/*.FAILED; do
    [ ! -f "$output" ] || { printf '\n--- %s ---\n' "$(basename "$output")" && cat "$output"; }
done

ended() { find "$results" -name "*.$1" | wc -l | tr -d ' '; }
echo "$(ended passed) passed, $(ended FAILED) failed, $(ended skipped) skipped of ${#tests[@]};" \
    "built in $built s, and tested in $((SECONDS - built)) s"
[ $(($(ended passed) + $(ended skipped))) = ${#tests[@]} ]
