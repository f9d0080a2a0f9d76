#!/usr/bin/env bash
# HTTPS by a proxy: nginx, with the lines of the manual, speaks TLS with the client
# and plain HTTP with the server.
. "$(dirname "$0")/server.sh"

need nginx nginx-light
need openssl openssl
(umask 077 && "$openssl" req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 \
    -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$dir/key.pem" -out "$dir/cert.pem") 2>/dev/null

start
free_port front
{
    nginx_http
    # The lines of the manual, with other ports and paths.
    recipe nginx https |
        sed "s|127.0.0.1:8000|127.0.0.1:$port|; s|listen 443|listen 127.0.0.1:$front|
             s|/etc/ssl/fullchain.pem|$dir/cert.pem|; s|/etc/ssl/private/key.pem|$dir/key.pem|"
    echo '}'
} >"$dir/nginx.conf"
"$nginx" -p "$dir" -c "$dir/nginx.conf" >"$dir/nginx.log" 2>&1 &
also_stop $!
url=https://127.0.0.1:$front
curl -q --noproxy '*' --silent --output /dev/null --cacert "$dir/cert.pem" \
    --retry 50 --retry-delay 0 --retry-max-time 10 --retry-connrefused "$url/" ||
    expect 'nginx starts' '' "$(cat "$dir/nginx.log")"

for version in 1.2 1.3; do
    ask /users/me --cacert "$dir/cert.pem" "--tlsv$version" --tls-max "$version" \
        -H 'Authorization: Bearer validtoken'
    expect "over TLS $version a token is accepted" '200 {"username":"user1"}' "$(status) $(body)"
done
ask /protected --cacert "$dir/cert.pem" --http1.1
expect 'a refusal gets through, and tells the client to use HTTPS from now on' \
    '401 Bearer realm="guardhouse" max-age=31536000' \
    "$(status) $(header WWW-Authenticate) $(header Strict-Transport-Security)"
ask /open --cacert "$dir/cert.pem" --http2
expect_like 'nginx speaks HTTP/2 with the client' 'HTTP/2 200*' "$answer"
for number in {1..5}; do
    ask /healthz --cacert "$dir/cert.pem"
    expect "request $number reaches the server" 200 "$(status)"
done

stop
expect 'the server stops' 0 "$code"
