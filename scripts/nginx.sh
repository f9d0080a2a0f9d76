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
cat >"$dir/nginx.conf" <<NGINX
$(nginx_http)
    upstream guardhouse { server $auth; keepalive 8; }
    server {
        listen 127.0.0.1:$front;
        location / {
            auth_request /auth;
            # These come from the answer of /auth, and replace what the client sent.
            auth_request_set \$auth_user \$upstream_http_x_auth_user;
            auth_request_set \$auth_scopes \$upstream_http_x_auth_scopes;
            proxy_set_header X-Auth-User \$auth_user;
            proxy_set_header X-Auth-Scopes \$auth_scopes;
            proxy_set_header Authorization "";
            proxy_pass http://$upstream;
        }
        location /reports/ {
            auth_request /auth-reports;
            proxy_pass http://$upstream/echo;
        }
        location = /auth {
            internal;
            proxy_pass http://guardhouse/auth;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header Connection "";
            proxy_http_version 1.1;
        }
        location = /auth-reports {
            internal;
            proxy_pass http://guardhouse/auth?scope=reports:read;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header Connection "";
            proxy_http_version 1.1;
        }
    }
}
NGINX
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
ask /reports/ -H "Authorization: Bearer $(token ann)"
expect 'a user with the scope gets through' 200 "$(status)"
ask /reports/ -H "Authorization: Bearer $(token bob)"
expect 'a user without the scope gets 403' 403 "$(status)"

stop
expect 'the server stops' 0 "$code"
