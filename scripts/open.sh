#!/usr/bin/env bash
# Requests that need no token: open routes, HEAD, OPTIONS, unknown paths, and
# methods that a route does not have.
. "$(dirname "$0")/server.sh"

start

ask /open
expect 'GET /open answers everyone' '200 {"message":"Anyone can see this."}' "$(status) $(body)"
expect 'the answer is JSON' 'application/json' "$(header Content-Type)"
expect 'Content-Length is the length of the body' "$(body | tr -d '\n' | wc -c | tr -d ' ')" "$(header Content-Length)"
expect_like 'Date is a date of HTTP' '???, ?? ??? ???? ??:??:?? GMT' "$(header Date)"
expect 'the answer has no Connection header, so the connection stays open' '' "$(header Connection)"

ask /secure
expect 'GET /secure: its guard accepts everyone' \
    '200 {"message":"Only verified users."}' "$(status) $(body)"

ask '/open?a=b'
expect 'a query is not part of the path' 200 "$(status)"
ask /%6fpen
expect 'a percent-encoded letter is the same letter' 200 "$(status)"

ask /open --head
expect 'HEAD gets the headers of GET' '200 application/json 34' \
    "$(status) $(header Content-Type) $(header Content-Length)"
expect 'HEAD gets no body' '' "$(body)"

for path in / /nope /open/ /OPEN //open /%2fopen; do
    ask "$path"
    expect "GET $path is not found" '404 {"detail":"Not Found"}' "$(status) $(body)"
done

for method in POST PUT PATCH DELETE TRACE; do
    ask /open --request "$method"
    expect "$method /open is not allowed" \
        '405 {"detail":"Method Not Allowed"} Allow: GET, HEAD, OPTIONS' \
        "$(status) $(body) Allow: $(header Allow)"
done
ask /open --data 'a=b'
expect 'POST /open with a body is not allowed, either' 405 "$(status)"
ask /protected --request DELETE
expect 'on a guarded route a wrong method gets 405, and not 401' 405 "$(status)"

ask /open --request OPTIONS
expect 'OPTIONS /open lists the allowed methods' '204 GET, HEAD, OPTIONS' "$(status) $(header Allow)"
expect 'and gets no body and no Content-Length' ' ' "$(header Content-Length) $(body)"
ask '*' --request OPTIONS
expect_like 'OPTIONS * lists the methods of the server' '204 GET, HEAD,*OPTIONS' "$(status) $(header Allow)"
ask /nope --request OPTIONS
expect 'OPTIONS of an unknown path is not found' 404 "$(status)"

stop
expect 'the server stops' 0 "$code"
