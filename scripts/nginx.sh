#!/usr/bin/env bash
# nginx asks /auth before it passes a request to another program (auth_request).
# So only a request with a valid token reaches that program.
. "$(dirname "$0")/server.sh"

need nginx nginx-light
cargo build --release --locked --quiet --example echo

users=$dir/users.txt
umask 077
{ "$GUARDHOUSE" --new-token ann reports:read; "$GUARDHOUSE" --new-token bob; } >"$users"
token() { sed -n "s/^$1:\([^:]*\):.*/\1/p" "$users"; }
start --users "$users"
auth=${url#http://}

# The protected program: it sends back the headers that it received.
mkfifo "$dir/echo"
"${CARGO_TARGET_DIR:-target}/release/examples/echo" --listen 127.0.0.1:0 >"$dir/echo" &
also_stop $!
read -r -t 10 ready <"$dir/echo"
upstream=${ready#listening on http://}

free_port front
{
    nginx_http
    # The configuration of the manual as it stands, with other ports.
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
expect 'without a token nginx passes nothing on, and the client gets the challenge' \
    '401 Bearer realm="guardhouse"' "$(status) $(header WWW-Authenticate)"
ask /echo -H 'Authorization: Bearer wrong'
expect_like 'a wrong token gets 401' '401 Bearer realm="guardhouse", error="invalid_token", *' \
    "$(status) $(header WWW-Authenticate)"
ask /echo -H "Authorization: Bearer $(token ann)"
expect 'with a valid token the request gets through' 200 "$(status)"
expect 'the program receives the name and the scopes of the user' 'X-Auth-User: ann X-Auth-Scopes: reports:read' \
    "$(body | grep '^X-Auth' | paste -sd' ')"
ask /echo -H "Authorization: Bearer $(token bob)" -H 'X-Auth-User: root' -H 'X-Auth-Scopes: admin'
expect 'headers of the client do not change the name of the user' 'X-Auth-User: bob' "$(body | grep '^X-Auth' | paste -sd' ')"
ask / -H "Authorization: Bearer $(token ann)" --data 'some bytes'
expect 'the body reaches the protected program' '200 some bytes' "$(status) $(body)"
ask / --data 'some bytes'
expect 'a body without a token gets 401' 401 "$(status)"
# The echo program does not have this path: its 404 shows that the request got through.
ask /reports/ -H "Authorization: Bearer $(token ann)"
expect 'a user with the scope gets through' 404 "$(status)"
ask /reports/ -H "Authorization: Bearer $(token bob)"
expect 'a user without the scope gets 403' 403 "$(status)"

stop
expect 'the server stops' 0 "$code"
