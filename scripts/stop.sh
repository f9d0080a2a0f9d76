#!/usr/bin/env bash
# How the server stops: at the first signal it lets requests end, at the second
# one it ends at once.
. "$(dirname "$0")/server.sh"

# under_way: descriptor 4 has a request under way, and 5 is idle. One write has a
# request and half of the next one. So the answer to the first request shows that
# the server has that half.
under_way() {
    connect 5
    connect 4
    send 4 'GET /open HTTP/1.1\r\nHost: a\r\n\r\nGET /protected HTTP/1.1\r\nHost: a\r\n'
    local line=
    until [ "$line" = $'\r' ]; do read -r -t 10 line <&4; done
    read -r -t 10 -n 34 line <&4
    expect 'half of a request is under way' '{"message":"Anyone can see this."}' "$line"
}

for signal in TERM INT QUIT; do
    start
    under_way
    kill -"$signal" "$server"
    receive 5
    expect "SIG$signal: an idle connection is closed without an answer" '' "$answer"
    # The server closes the idle connections after the listener.
    refused=0
    ask /open 2>"$dir/curl" || refused=$?
    expect 'a new connection is refused' 7 "$refused"
    send 4 'Authorization: Bearer fake-super-secret-token\r\n\r\n'
    receive 4
    expect 'the request under way gets its whole answer' \
        '200 {"message":"Hello user1! This is a protected route."}' "$(status) $(body)"
    expect 'and the answer says that it is the last one' close "$(header Connection)"
    ended_with
    expect 'the exit code is 0' 0 "$code"
done

start
under_way
kill -TERM "$server"
receive 5
# The same signal within a second would be the same order.
stop INT
expect 'at a second signal the server ends at once, with exit code 1' 1 "$code"
receive 4
expect 'and the request under way gets no answer' '' "$answer"
expect_like 'and the log says so' '*stopping at once' "$(cat "$dir/log")"

# With the delay, the server is still there when the second signal comes.
start --drain-delay 1
for signal in USR1 USR2 HUP; do kill -"$signal" "$server"; done
ask /open
expect 'the server goes on after signals that mean nothing' 200 "$(status)"
kill -TERM "$server"
kill -TERM "$server"
ended_with
expect 'a signal that comes twice is one order' 0 "$code"

start
stop INT
expect 'a server without any request stops as well' 0 "$code"
