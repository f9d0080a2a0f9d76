#!/usr/bin/env bash
# In front of something else: nginx asks /auth before it passes a request on
# (auth_request), so that only who has a token gets through.
. "$(dirname "$0")/server.sh"

need nginx nginx-light
cargo build --release --locked --quiet --example echo

users=$dir/users.txt
umask 077
{ "$GUARDHOUSE" --new-token ann reports:read; "$GUARDHOUSE" --new-token bob; } >"$users"
token() { sed -n "s/^$1:\([^:]*\):.*/\1/p" "$users"; }
start --users "$users"
auth=${url#http://}

# What is protected: a program that answers with the fields it got.
mkfifo "$dir/echo"
"${CARGO_TARGET_DIR:-target}/release/examples/echo" --listen 127.0.0.1:0 >"$dir/echo" &
also_stop $!
read -r -t 10 ready <"$dir/echo"
upstream=${ready#listening on http://}

free_port front
{
    nginx_http
    # The manual's configuration as it stands, with other ports.
    sed -n '/^```nginx$/,/^```$/p' src/manual/proxies.md | grep -v '^```' |
        sed "s|127.0.0.1:8000|$auth|; s|127.0.0.1:3000|$upstream|; s|listen 80|listen 127.0.0.1:$front|"
    echo '}'
} >"$dir/nginx.conf"
"$nginx" -p "$dir" -c "$dir/nginx.conf" >"$dir/nginx.log" 2>&1 &
also_stop $!
url=http://127.0.0.1:$front
curl -q --noproxy '*' --silent --output /dev/null --retry 50 --retry-delay 0 --retry-max-time 10 --retry-connrefused "$url/" ||
    expect 'nginx starts' '' "$(cat "$dir/nginx.log")"

ask /echo
expect 'no token: nginx passes nothing on, and the challenge reaches the client' \
    '401 Bearer realm="guardhouse"' "$(status) $(field WWW-Authenticate)"
ask /echo -H 'Authorization: Bearer wrong'
expect_like 'a wrong token' '401 Bearer realm="guardhouse", error="invalid_token", *' \
    "$(status) $(field WWW-Authenticate)"
ask /echo -H "Authorization: Bearer $(token ann)"
expect 'a token: the request gets through' 200 "$(status)"
expect 'with who it is' 'X-Auth-User: ann X-Auth-Scopes: reports:read' \
    "$(content | grep '^X-Auth' | paste -sd' ')"
ask /echo -H "Authorization: Bearer $(token bob)" -H 'X-Auth-User: root' -H 'X-Auth-Scopes: admin'
expect 'a client can not say who it is' 'X-Auth-User: bob' "$(content | grep '^X-Auth' | paste -sd' ')"
ask / -H "Authorization: Bearer $(token ann)" --data 'some content'
expect 'content goes to what is protected, not to the guard' '200 some content' "$(status) $(content)"
ask / --data 'some content'
expect 'content without a token goes nowhere' 401 "$(status)"
# The echo program does not have this path: its 404 shows that the request got through.
ask /reports/ -H "Authorization: Bearer $(token ann)"
expect 'a user with the scope gets through' 404 "$(status)"
ask /reports/ -H "Authorization: Bearer $(token bob)"
expect 'a user without the scope gets 403' 403 "$(status)"

stop
expect 'the server stops' 0 "$code"
