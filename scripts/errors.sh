#!/usr/bin/env bash
# Malformed requests, and requests over a limit: each gets the status that says so
# and a JSON detail, and the connection closes.
. "$(dirname "$0")/server.sh"

start

# refused STATUS DETAIL BYTES: the answer to these bytes.
refused() {
    connect 4
    send 4 "$3"
    receive 4
    expect "$1, $2: $3" "$1 {\"detail\":\"$2\"} close" "$(status) $(body) $(header Connection)"
}

refused 400 'malformed request line' '\x16\x03\x01\x02\r\n\r\n'
refused 400 'malformed request line' 'GET /open\r\n\r\n'
refused 400 'malformed HTTP version' 'GET /open HTTPS/1.1\r\n\r\n'
refused 505 'unsupported HTTP version' 'GET /open HTTP/2.0\r\nHost: a\r\n\r\n'
refused 400 'malformed request target' 'GET open HTTP/1.1\r\nHost: a\r\n\r\n'
refused 400 'malformed request target' 'GET /%%2 HTTP/1.1\r\nHost: a\r\n\r\n'
refused 400 'a bare CR or LF in the head' 'GET /open HTTP/1.1\nHost: a\n\n'
refused 400 'malformed field line' 'GET /open HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n'
refused 400 'malformed field line' 'GET /open HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n'
refused 400 'malformed field line' 'GET /open HTTP/1.1\r\nHost: a\r\nA: \x00\r\n\r\n'
refused 400 'no Host field' 'GET /open HTTP/1.1\r\n\r\n'
refused 400 'more than one Host field' 'GET /open HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n'
refused 400 'malformed Host field' 'GET /open HTTP/1.1\r\nHost: a b\r\n\r\n'
refused 400 "Host differs from the target's authority" 'GET http://b/open HTTP/1.1\r\nHost: a\r\n\r\n'
refused 400 'malformed Content-Length field' 'GET /open HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n'
refused 400 'more than one Content-Length field' \
    'GET /open HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na'
refused 400 'both Transfer-Encoding and Content-Length' \
    'GET /open HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'
refused 501 'unknown transfer coding' 'GET /open HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n'
refused 417 'unknown expectation' 'GET /open HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n'
refused 501 'CONNECT is not implemented' 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n'

# Requests that curl can send.
ask /open --request BREW -H 'Connection: close'
expect '501 for an unknown method' '501 {"detail":"unknown method"}' "$(status) $(body)"
ask /open --request get
expect '501 for a method in small letters' 501 "$(status)"
ask "/$(printf '%09000d' 0)"
expect '414 for a target over 8 KiB' '414 close' "$(status) $(header Connection)"
ask /open -H "A: $(printf '%017000d' 0)"
expect '431 for a head over 16 KiB' '431 close' "$(status) $(header Connection)"
headers=()
for number in {1..100}; do headers+=(-H "A$number: a"); done
ask /open "${headers[@]}"
expect '431 for more than 100 headers' '431 close' "$(status) $(header Connection)"
ask /open -H 'Host:'
expect '400 without Host' '400 {"detail":"no Host field"}' "$(status) $(body)"
ask /open --request GET -H 'Content-Length: 1048577'
expect 'a body over 1 MiB that no handler reads gets the usual answer' '200 close' "$(status) $(header Connection)"

ask /open
expect 'the next client is served' 200 "$(status)"

stop
expect 'the server stops' 0 "$code"
