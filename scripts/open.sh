#!/usr/bin/env bash
# What anyone gets, and what nobody does: routes without a token, HEAD, OPTIONS,
# unknown paths, other methods.
. "$(dirname "$0")/server.sh"

start

ask /open
expect 'GET /open answers everyone' '200 {"message":"Anyone can see this."}' "$(status) $(content)"
expect 'it is JSON' 'application/json' "$(field Content-Type)"
expect 'of that length' "$(content | tr -d '\n' | wc -c | tr -d ' ')" "$(field Content-Length)"
expect_like 'the date is an HTTP date' '???, ?? ??? ???? ??:??:?? GMT' "$(field Date)"
expect 'nothing is said of the connection, so it goes on' '' "$(field Connection)"

ask /secure
expect 'GET /secure: its guard lets everyone in' \
    '200 {"message":"Only verified users."}' "$(status) $(content)"

ask '/open?a=b'
expect 'a query is no part of the path' 200 "$(status)"
ask /%6fpen
expect 'nor is it another path when a letter is percent-encoded' 200 "$(status)"

ask /open --head
expect 'HEAD has the fields of GET' '200 application/json 34' \
    "$(status) $(field Content-Type) $(field Content-Length)"
expect 'HEAD has no content' '' "$(content)"

for path in / /nope /open/ /OPEN //open /%2fopen; do
    ask "$path"
    expect "GET $path is not there" '404 {"detail":"Not Found"}' "$(status) $(content)"
done

for method in POST PUT PATCH DELETE TRACE; do
    ask /open --request "$method"
    expect "$method /open is not allowed" \
        '405 {"detail":"Method Not Allowed"} Allow: GET, HEAD, OPTIONS' \
        "$(status) $(content) Allow: $(field Allow)"
done
ask /open --data 'a=b'
expect 'nor is it with content' 405 "$(status)"
ask /protected --request DELETE
expect 'on a guarded route a wrong method is told before a missing token' 405 "$(status)"

ask /open --request OPTIONS
expect 'OPTIONS /open says what is allowed' '204 GET, HEAD, OPTIONS' "$(status) $(field Allow)"
expect 'and has no content, nor a length' ' ' "$(field Content-Length) $(content)"
ask '*' --request OPTIONS
expect_like 'OPTIONS * asks the server itself' '204 GET, HEAD,*OPTIONS' "$(status) $(field Allow)"
ask /nope --request OPTIONS
expect 'OPTIONS of what is not there' 404 "$(status)"

stop
expect 'the server stops' 0 "$code"
