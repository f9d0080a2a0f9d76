#!/usr/bin/env bash
# The README and the chapters of the manual tell the truth: each line with curl in
# a block `console` is run, and prints what stands below it there (except the date).
# tls.sh runs those with https://, and login.sh those in a block `console login`.
. "$(dirname "$0")/server.sh"

start

# undated: without what differs from run to run.
undated() { tr -d '\r' | sed 's/^Date: .*/Date: …/'; }

# check FILE COMMAND EXPECTED: runs a line of a text against this server.
check() {
    local command=${2//http:\/\/127.0.0.1:8000/$url}
    command="curl -q --noproxy '*' --silent --max-time 10 ${command#curl }"
    expect "$(basename "$1"): $2" "$(undated <<<"$3")" "$(eval "$command" | undated)"
}

checked=0
# check_file FILE
check_file() {
    local line console= command='' expected=
    while IFS= read -r line; do
        case $console$line in
            '```console') console=1 ;;
            '1```' | '1$ '*)
                if [ -n "$command" ] && [[ $command != *https://* ]]; then
                    check "$1" "$command" "$expected"
                    checked=$((checked + 1))
                fi
                command='' expected=
                if [ "$line" = '```' ]; then console=; else command=${line#'$ '}; fi
                ;;
            1*) expected+=$line$'\n' ;;
        esac
    done <"$1"
    expect "$(basename "$1"): its last block ends" '' "$console"
}

# The program to copy is the one that is compiled and tested.
program() { sed -n '/^use /,$p' tests/start.rs; }
block() { sed -n '/^```rust,no_run$/,/^```$/{/^```/!p;}' README.md; }
expect 'README.md: the program is tests/start.rs' "$(program)" "$(block)"

for file in README.md src/manual/*.md; do check_file "$file"; done
[ "$checked" -ge 14 ] || expect 'the texts have their curl lines' 'at least 14' "$checked"

stop
expect 'the server stops' 0 "$code"
