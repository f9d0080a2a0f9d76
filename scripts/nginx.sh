#!/usr/bin/env bash
# nginx asks /auth before it passes a request to another program (auth_request).
# So only a request with a valid token reaches that program.
. "$(dirname "$0")/server.sh"

need nginx nginx-light
start_auth_and_program

# start_nginx PROTECTED: nginx passes requests on to this address; $url is nginx's.
start_nginx() {
    free_port front
    {
        nginx_http
        # The configuration of the manual as it stands, with other ports.
        sed -n '/^```nginx$/,/^```$/p' src/manual/proxies.md | grep -v '^```' |
            sed "s|127.0.0.1:8000|$auth|; s|127.0.0.1:3000|$1|; s|listen 80|listen 127.0.0.1:$front|"
        # A protected program that takes as many headers as nginx itself.
        echo "server { listen 127.0.0.1:$tolerant; return 200 \"\$http_x_auth_user\"; }"
        echo '}'
    } >"$dir/nginx.conf"
    "$nginx" -p "$dir" -c "$dir/nginx.conf" >"$dir/nginx.log" 2>&1 &
    also_stop $!
    url=http://127.0.0.1:$front port=$front
    curl -q --noproxy '*' --silent --output /dev/null --retry 50 --retry-delay 0 --retry-max-time 10 --retry-connrefused "$url/" ||
        expect 'nginx starts' '' "$(cat "$dir/nginx.log")"
}

free_port tolerant
start_nginx "$upstream"

ask /echo
expect 'without a token nginx passes nothing on, and the client gets the challenge' \
    '401 Bearer realm="guardhouse"' "$(status) $(header WWW-Authenticate)"
ask /echo -H 'Authorization: Bearer wrong'
expect_like 'a wrong token gets 401' '401 Bearer realm="guardhouse", error="invalid_token", *' \
    "$(status) $(header WWW-Authenticate)"
ask /echo -H "Authorization: Bearer $(token ann)"
expect 'with a valid token the request gets through' 200 "$(status)"
expect 'the program receives the name and the scopes of the user' 'X-Auth-User: ann X-Auth-Scopes: reports:read' \
    "$(body | grep -i '^X.Auth' | paste -sd' ')"
ask /echo -H "Authorization: Bearer $(token bob)" -H 'X-Auth-User: root' -H 'X-Auth-Scopes: admin' -H 'X_Auth_User: root'
expect 'headers of the client do not change the name and the scopes of the user' 'X-Auth-User: bob X-Auth-Scopes: ""' "$(body | grep -i '^X.Auth' | paste -sd' ')"
for query in 'scope=all' 'scope=100%' 'q=caf%E9'; do
    ask "/echo?$query" -H "Authorization: Bearer $(token bob)"
    expect "the query $query reaches the program, and not /auth" "200 /echo?$query" "$(status) $(header Echo-Target)"
done
ask / -H "Authorization: Bearer $(token ann)" --data 'some bytes'
expect 'the body reaches the protected program' '200 some bytes' "$(status) $(body)"
ask / --data 'some bytes'
expect 'a body without a token gets 401' 401 "$(status)"
# The echo program does not have this path: its 404 shows that the request got through.
ask /reports/ -H "Authorization: Bearer $(token ann)"
expect 'a user with the scope gets through' 404 "$(status)"
ask /reports/ -H "Authorization: Bearer $(token bob)"
expect 'a user without the scope gets 403' 403 "$(status)"

# guardhouse refuses a request with such headers. nginx does not show them to it.
free_port tolerant
start_nginx "127.0.0.1:$tolerant"
# get HEADERS: a GET with these header lines too, each with its CRLF.
get() {
    connect 4
    send 4 "GET /any HTTP/1.1\r\nHost: a\r\nConnection: close\r\n$1\r\n"
    receive 4
}
token=$(token ann)
# beside WHAT HEADERS: a token is checked whatever other headers the client sends.
beside() {
    get "Authorization: Bearer $token\r\n$2"
    expect "a valid token gets through beside $1" '200 ann' "$(status) $(body)"
    get "Authorization: Bearer wrong\r\n$2"
    expect 'a wrong token does not' 401 "$(status)"
    get "$2"
    expect 'and a request without a token does not' 401 "$(status)"
}
beside '150 headers' "$(printf 'X-Many-%d: a\\r\\n' {1..150})"
beside '21 KB of headers' "$(printf "X-Large-%d: $(printf '%07000d' 0)\\\\r\\\\n" {1..3})"
beside 'a control character' 'X-Control: a\001b\r\n'
beside 'other control characters' 'X-Control: \177\033[31m\r\n'
beside 'an expectation' 'Expect: tea\r\n'
beside 'headers for a connection' 'TE: gzip\r\nUpgrade: h2c\r\n'
beside 'an announced body' 'Content-Length: 0\r\n'
get "Authorization: Bearer $token\r\nAuthorization: Bearer wrong\r\n"
expect 'two tokens get 400' 400 "$(status)"
get 'Authorization: Bearer a\001b\r\n'
expect 'a control character in the token: guardhouse answers 400, and so nginx 500' 500 "$(status)"

stop
expect 'the server stops' 0 "$code"
