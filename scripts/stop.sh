#!/usr/bin/env bash
# A stop: at the first signal in good order, at the second at once.
. "$(dirname "$0")/server.sh"

# under_way: descriptor 4 has a request under way, and 5 is idle. One piece holds
# a request and half of the next, so the answer to the first says that the
# server has the half.
under_way() {
    connect 5
    connect 4
    send 4 'GET /open HTTP/1.1\r\nHost: a\r\n\r\nGET /protected HTTP/1.1\r\nHost: a\r\n'
    local line=
    until [ "$line" = $'\r' ]; do read -r -t 10 line <&4; done
    read -r -t 10 -n 34 line <&4
    expect 'half of a request is under way' '{"message":"Anyone can see this."}' "$line"
}

for signal in TERM INT; do
    start
    under_way
    kill -"$signal" "$server"
    receive 5
    expect "SIG$signal: an idle connection is closed without a word" '' "$answer"
    # Idle connections are closed after the listener is.
    refused=0
    ask /open 2>"$dir/curl" || refused=$?
    expect 'nobody else is let in: curl finds the connection refused' 7 "$refused"
    send 4 'Authorization: Bearer fake-super-secret-token\r\n\r\n'
    receive 4
    expect 'the request under way gets its whole answer' \
        '200 {"message":"Hello user1! This is a protected route."}' "$(status) $(content)"
    expect 'and is told that it was the last' close "$(field Connection)"
    ended_with
    expect 'the exit code is 0' 0 "$code"
done

start
under_way
kill -TERM "$server"
receive 5
stop
expect 'a second signal ends it at once, with exit code 1' 1 "$code"
receive 4
expect 'the request under way is cut off' '' "$answer"

start
stop INT
expect 'a server that nobody asked anything stops as well' 0 "$code"
