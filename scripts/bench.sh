#!/usr/bin/env bash
# guardhouse and a few other servers on this machine: requests in each second. The
# servers take turns, so that other work of the machine slows all of them alike.
# Prints a table in Markdown, and writes it to a file.
#
#   scripts/bench.sh [ROUNDS [SECONDS [FILE]]]    # 3 rounds of 3 s, target/bench.md
#
# Needs wrk (Debian: apt-get install wrk). FastAPI is measured if python3 is
# installed and PyPI can be reached.
. "$(dirname "$0")/server.sh"

rounds=${1:-3} seconds=${2:-3} file=${3:-target/bench.md}
need wrk wrk
cargo build --release --locked --quiet --manifest-path scripts/bench/Cargo.toml --target-dir target/bench

names=() urls=()
# measured NAME COMMAND ...: starts a server, which says where it listens.
measured() {
    local ready=
    mkfifo "$dir/$1"
    "${@:2}" >"$dir/$1" 2>/dev/null &
    also_stop $!
    read -r -t 20 ready <"$dir/$1" || true
    expect_like "$1 listens" 'listening on http://127.0.0.1:*' "$ready"
    names+=("$1") urls+=("${ready#listening on }")
}
measured guardhouse "$GUARDHOUSE" --listen 127.0.0.1:0 --log-level warn
measured khttp target/bench/release/peer-khttp
measured tiny_http target/bench/release/peer-tiny-http
measured axum target/bench/release/peer-axum
if python3 -m venv "$dir/venv" >/dev/null 2>&1 &&
    "$dir/venv/bin/pip" install --quiet fastapi uvicorn >/dev/null 2>&1; then
    measured FastAPI "$dir/venv/bin/python" scripts/bench/fastapi_app.py
else
    echo 'FastAPI is left out: python3 is not installed, or PyPI can not be reached'
fi

token='Authorization: Bearer fake-super-secret-token'
scenarios=('8 keep-alive connections' '64 keep-alive connections' '256 keep-alive connections'
    '64 connections, 16 requests in each write' 'a connection for each request, 64 at a time'
    '64 keep-alive connections, beside a program that uses a core')
load() { # SCENARIO URL
    local busy=
    case $1 in
        0) set -- "$2" -c 8 ;;
        1) set -- "$2" -c 64 ;;
        2) set -- "$2" -c 256 ;;
        3) set -- "$2" -c 64 -s scripts/bench/pipeline.lua ;;
        4) set -- "$2" -c 64 -H 'Connection: close' ;;
        5)
            set -- "$2" -c 64
            sh -c 'while :; do :; done' >/dev/null 2>&1 &
            busy=$!
            ;;
    esac
    "$wrk" -t 1 -d "${seconds}s" -H "$token" "${@:2}" "$1/protected"
    [ -z "$busy" ] || kill "$busy"
}

: >"$dir/figures"
for scenario in "${!scenarios[@]}"; do
    for round in $(seq "$rounds"); do
        for i in "${!names[@]}"; do
            figure=$(load "$scenario" "${urls[$i]}" | awk '/Requests\/sec/ { print $2 }')
            echo "$scenario $i $figure" >>"$dir/figures"
            printf '%s, round %s: %s %s\n' "${scenarios[$scenario]}" "$round" "${names[$i]}" "$figure" >&2
        done
    done
done

# One row for each scenario. A cell has the median, its ratio to guardhouse's, and
# the lowest and the highest figure.
cell() { # SCENARIO SERVER BASE
    awk -v scenario="$1" -v server="$2" '$1 == scenario && $2 == server { print $3 }' "$dir/figures" |
        sort -n | awk -v base="$3" '
            { figure[NR] = $1 }
            END {
                median = figure[int((NR + 1) / 2)]
                if (base == "") { print median; exit }
                printf " %.0f (× %.2f; %.0f–%.0f) |", median, median / base, figure[1], figure[NR]
            }'
}
{
    printf '| requests in a second |'
    printf ' %s |' "${names[@]}"
    printf '\n| --- |'
    printf ' --- |%.0s' "${names[@]}"
    echo
    for scenario in "${!scenarios[@]}"; do
        printf '| %s |' "${scenarios[$scenario]}"
        base=$(cell "$scenario" 0 '')
        for i in "${!names[@]}"; do cell "$scenario" "$i" "$base"; done
        echo
    done
    echo
    echo "Medians of $rounds rounds of $seconds s (× guardhouse's; lowest–highest), $(date +%Y-%m-%d)," \
        "$(nproc) cores of $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), load by wrk on the same cores."
} | tee "$file"
