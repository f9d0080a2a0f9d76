#!/usr/bin/env bash
# The command line: options, exit codes, and what goes to stdout and stderr.
. "$(dirname "$0")/server.sh"

# run ARGUMENT ...: sets $code, $out and $err of a command that does not serve.
run() {
    code=0
    out=$("$GUARDHOUSE" "$@" 2>"$dir/err") || code=$?
    err=$(cat "$dir/err")
}

run --help
expect_like '--help explains every option on stdout' '0 *--listen HOST:PORT*--log-level LEVEL* ' "$code $out $err"
short=$out
run -h
expect '-h does the same' "$short" "$out"
run --version
expect_like '--version is a line on stdout' '0 guardhouse [0-9]*.[0-9]*.[0-9]* ' "$code $out $err"
run --routes
expect '--routes prints the table' 0 "$code"
rows=$(tr -s ' ' <<<"$out")
for row in 'GET /open open' 'GET /secure verify_user' 'GET /protected Bearer' \
    'GET /dashboard Bearer' 'GET /users/me Bearer' 'GET /admin Bearer'; do
    expect_like "a row of it is '$row'" "*$row*" "$rows"
done

# usage SAYS ARGUMENT ...: the arguments are wrong; stderr alone says so.
usage() {
    local says=$1
    shift
    run "$@"
    expect "$*: wrong usage" "2  guardhouse: $says
Try: guardhouse --help" "$code $out $err"
}
usage 'unknown option "--nope"' --nope
usage 'unexpected argument "8000"' 8000
usage '--listen needs a value' --listen
usage '--log-level needs a value' --log-level
usage '"loud" is not a log level: use off, error, warn, info, debug or trace' --log-level loud
usage '--help takes no value' --help=yes
usage '--append goes after --new-token NAME' --append users.txt
usage '--append needs a value' --new-token ann --append

# cannot WHAT ADDRESS ADVICE: the server can't listen on this address.
cannot() {
    run --listen "$2"
    expect_like "$1: could not run" "1  guardhouse: can't listen on \"$2\": *
$3" "$code $out $err"
}
cannot 'no such host' no-such-host.invalid:0 \
    'give a host that resolves, and a port up to 65535: --listen 127.0.0.1:8000'
cannot 'no such port' 127.0.0.1:65536 'give a host and a port: --listen 127.0.0.1:8000'
cannot 'no port' 127.0.0.1 'give a host and a port: --listen 127.0.0.1:8000'
# TEST-NET-1 (RFC 5737): no machine has this address.
cannot 'an address of another machine' 192.0.2.1:0 \
    'this machine does not have that address: try 127.0.0.1 or 0.0.0.0'

start
cannot 'an address in use' "127.0.0.1:$port" \
    'stop what listens there, or choose another port: --listen 127.0.0.1:0'
ask /open
expect 'the first server still serves' 200 "$(status)"
logged '"GET /open HTTP/1.1" 200 34'
expect_like 'an access line is on stderr' \
    '*127.0.0.1 - - \[??/???/????:??:??:?? +0000\] "GET /open HTTP/1.1" 200 34*' "$(cat "$dir/log")"
stop
expect 'stopped' 0 "$code"
expect 'stdout has only the ready line' '' "$(cat <&3)"

start --log-level off
ask /protected
expect 'without a log, it serves the same' 401 "$(status)"
stop
expect 'and the log is empty' '' "$(cat "$dir/log")"
