#!/usr/bin/env bash
# The README tells the truth: each of its curl lines is run, and prints what
# stands below it there (but for the date). Those about HTTPS are tls.sh's.
. "$(dirname "$0")/server.sh"

start

# undated: without what differs from run to run.
undated() { tr -d '\r' | sed 's/^Date: .*/Date: …/'; }

# check COMMAND EXPECTED: runs a line of the README against this server.
check() {
    local command=${1//http:\/\/127.0.0.1:8000/$url}
    command="curl -q --noproxy '*' --silent --max-time 10 ${command#curl }"
    expect "$1" "$(undated <<<"$2")" "$(eval "$command" | undated)"
}

checked=0 console= command='' expected=
done_with() {
    if [ -n "$command" ] && [[ $command != *https://* ]]; then
        check "$command" "$expected"
        checked=$((checked + 1))
    fi
    command='' expected=
}
while IFS= read -r line; do
    case $console$line in
        '```console') console=1 ;;
        '1```') done_with; console= ;;
        '1$ '*) done_with; command=${line#'$ '} ;;
        1*) expected+=$line$'\n' ;;
    esac
done <README.md
[ "$checked" -ge 12 ] || expect 'the README has its curl lines' 'at least 12' "$checked"

stop
expect 'the server stops' 0 "$code"
