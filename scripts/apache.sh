#!/usr/bin/env bash
# A server behind Apache (mod_proxy): tokens and challenges get through, and connections
# stay open.
. "$(dirname "$0")/server.sh"

# Debian's package apache2 would also start a server on port 80. This one has the program.
need apache2 apache2-bin
start_auth_and_program
users_url=$url

# start_apache SERVER: Apache passes requests on to this address; $url is Apache's.
start_apache() {
    free_port front
    {
        echo "ServerName localhost
PidFile $dir/$front.pid
DefaultRuntimeDir $dir
ErrorLog $dir/apache.log
Listen 127.0.0.1:$front
StartServers 1"
        for module in mpm_event authz_core proxy proxy_http; do
            echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
        done
        # The lines of the manual, with other ports.
        recipe apache proxies | sed "s|127.0.0.1:8000|$1|; s|\*:80|*:$front|"
    } >"$dir/apache.conf"
    # shellcheck disable=SC2154 # `need` sets it.
    "$apache2" -X -f "$dir/apache.conf" >"$dir/apache.out" 2>&1 &
    also_stop $!
    url=http://127.0.0.1:$front
    wait_for "$url" || expect 'Apache starts' '' "$(cat "$dir/apache.out" "$dir/apache.log")"
}

# shellcheck disable=SC2154 # start_auth_and_program sets it.
start_apache "$auth"
ask /users/me
expect 'the challenge gets through' '401 Bearer realm="guardhouse"' "$(status) $(header WWW-Authenticate)"
ask /users/me -H 'Authorization: Bearer wrong'
expect_like 'and its parameters' '401 Bearer realm="guardhouse", error="invalid_token", *' \
    "$(status) $(header WWW-Authenticate)"
ask /users/me -H "Authorization: Bearer $(token ann)"
expect 'the token gets through' '200 {"username":"ann"} no-store' "$(status) $(body) $(header Cache-Control)"
ask /auth
expect 'two challenges stay two' 'Basic Bearer' "$(header WWW-Authenticate | cut -d' ' -f1 | paste -sd' ' -)"
ask /auth --user "Jörg 100%:$(token 'Jörg 100%')"
expect 'Basic gets through' '204 J%C3%B6rg 100%25' "$(status) $(header X-Auth-User)"
ask '/auth?scope=reports:read' -H "Authorization: Bearer $(token bob)"
expect 'the query gets through' 403 "$(status)"
ask /users/me --data 'a body'
expect 'a request with a body is answered' 405 "$(status)"
ask /docs
expect_like 'the page gets through' '200 text/html*' "$(status) $(header Content-Type)"

# shellcheck disable=SC2154 # start_auth_and_program sets it.
start_apache "$upstream"
peers=
for _ in {1..5}; do
    ask /echo
    peers+="$(header Echo-Peer)"$'\n'
done
expect 'five requests of five clients need one connection to the server' 1 "$(sort -u <<<"${peers%$'\n'}" | wc -l)"
ask '/echo?a=b%2Fc&d=100%'
expect 'the target gets through as it is' '/echo?a=b%2Fc&d=100%' "$(header Echo-Target)"
expect 'so does the host' "Host: 127.0.0.1:$front" "$(body | grep '^Host')"
ask / --data 'some bytes'
expect 'and a body' '200 some bytes' "$(status) $(body)"
ask / -H 'Transfer-Encoding: chunked' --data 'some bytes'
expect 'also in chunks' '200 some bytes' "$(status) $(body)"
ask /a%2Fb
expect 'an encoded slash reaches the server' '404 {"detail":"Not Found"}' "$(status) $(body)"

url=$users_url
stop
expect 'the server stops' 0 "$code"
