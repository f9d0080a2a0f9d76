#!/usr/bin/env bash
# Which connections stay open after an answer, and which ones close.
. "$(dirname "$0")/server.sh"

start

# connects CURL OPTION ...: how many connections curl opened for three requests.
connects() {
    local path arguments=()
    for path in open protected nope; do
        arguments+=(--next --noproxy '*' --silent --show-error --max-time 10 --output "$dir/body"
            --write-out '%{http_code}:%{num_connects} ' "$@" "$url/$path")
    done
    curl -q "${arguments[@]:1}"
}

expect 'HTTP/1.1: three requests need one connection, whatever their answers' \
    '200:1 401:0 404:0 ' "$(connects)"
expect 'with Connection: close each request needs one' '200:1 401:1 404:1 ' "$(connects -H 'Connection: close')"
expect 'close in capitals and in a list is the same' '200:1 401:1 404:1 ' "$(connects -H 'Connection: x, CLOSE')"
expect 'after HEAD the connection stays open' '200:1 401:0 404:0 ' "$(connects --head)"
expect 'after a body that no row takes the connection closes' '405:1 405:1 404:1 ' \
    "$(connects --data 'GET /open HTTP/1.1')"
expect 'also after one in chunks' '405:1 405:1 404:1 ' \
    "$(connects -H 'Transfer-Encoding: chunked' --data 'GET /open HTTP/1.1')"

ask /open -H 'Connection: close'
expect 'the last answer says that the connection closes' 'close' "$(header Connection)"
ask /open --http1.0
expect 'HTTP/1.0 closes, and says so' '200 close' "$(status) $(header Connection)"
ask /open --http1.0 -H 'Connection: keep-alive'
expect 'HTTP/1.0 with keep-alive stays open, and says so' '200 keep-alive' "$(status) $(header Connection)"

connect 4
send 4 'GET /open HTTP/1.1\r\nHost: a\r\n\r\nGET /nope HTTP/1.1\r\nHost: a\r\n\r\nGET /open HTTP/1.0\r\n\r\n'
receive 4
expect 'three requests in one piece get three answers, in order' '200 404 200 ' \
    "$(grep -o 'HTTP/1.1 [0-9]*' <<<"$answer" | cut -d ' ' -f 2 | tr '\n' ' ')"

stop
expect 'the server stops' 0 "$code"
