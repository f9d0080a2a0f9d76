#!/usr/bin/env bash
# Built-in HTTPS: the lines of the manual, and then clients without TLS, clients
# with an old version of TLS, and clients while the certificate is renewed.
. "$(dirname "$0")/server.sh"

need openssl openssl
without=$GUARDHOUSE
use_build_with_features

# section FENCE: the lines of the chapter in blocks of that kind.
section() {
    sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" src/manual/https.md | grep -v '^```'
}

# certificate: makes a new certificate and its key, with the command of the chapter.
certificate() {
    local command
    command=$(section sh | sed -n '/^openssl /,/[^\\]$/p')
    (cd "$dir" && umask 077 && eval "$command") 2>/dev/null
}

# failing COMMAND ...: runs a command that should fail; its output is in $said, and
# its exit code in $code.
failing() {
    code=0
    said=$("$@" 2>&1) || code=$?
}

certificate
pair=(--tls-cert "$dir/cert.pem" --tls-key "$dir/key.pem")

failing "$without" "${pair[@]}"
expect 'without the feature, the options say which build has it' \
    '2 guardhouse: --tls-cert needs a build with the feature tls: cargo build --release --features tls
Try: guardhouse --help' "$code $said"
failing "$GUARDHOUSE" --tls-cert "$dir/cert.pem"
expect 'a certificate needs its key' '2 guardhouse: --tls-cert needs --tls-key as well
Try: guardhouse --help' "$code $said"
failing "$GUARDHOUSE" --tls-cert "$dir/cert.pem" --tls-key "$dir/nowhere.pem"
expect_like 'the error names a file that does not exist' \
    "1 guardhouse: $dir/nowhere.pem can't be read: *" "$code $said"
failing "$GUARDHOUSE" --tls-cert "$dir/cert.pem" --tls-key "$dir/cert.pem"
expect_like 'and a file without a key' "1 guardhouse: $dir/cert.pem has no private key: *" "$code $said"

# A chain that was put together by cat, with a first file that has no last newline.
{ printf %s "$(cat "$dir/cert.pem")" && cat "$dir/cert.pem"; } >"$dir/chain.pem"
# A server that starts would not end.
failing timeout 10 "$GUARDHOUSE" --listen 127.0.0.1:0 --tls-cert "$dir/chain.pem" --tls-key "$dir/key.pem"
expect_like 'a chain with END and BEGIN in one line is refused' \
    "1 guardhouse: $dir/chain.pem is not a PEM file: line *: a BEGIN or END line with other text in it*" "$code $said"
"$openssl" ec -in "$dir/key.pem" -aes256 -passout pass:s3cret -out "$dir/locked.pem" 2>/dev/null
failing timeout 10 "$GUARDHOUSE" --listen 127.0.0.1:0 --tls-cert "$dir/cert.pem" --tls-key "$dir/locked.pem"
expect_like 'so is a key with a password in the traditional form' \
    "1 guardhouse: $dir/locked.pem has a key with a password, *" "$code $said"

failing "$GUARDHOUSE" --healthcheck https://127.0.0.1:8000/healthz
expect_like 'a health check over TLS needs the certificate' \
    "2 guardhouse: --healthcheck can't ask https://127.0.0.1:8000/healthz: an https:// URL needs --tls-cert FILE, *" "$code $said"

start "${pair[@]}"
expect 'the line that says where the server listens has https' "https://127.0.0.1:$port" "$url"
for host in 127.0.0.1 localhost; do
    failing "$GUARDHOUSE" --healthcheck "https://$host:$port/healthz" --tls-cert "$dir/cert.pem"
    expect "a health check asks $host over TLS" '0 ' "$code $said"
done
failing "$GUARDHOUSE" --healthcheck "$url/nope" --tls-cert "$dir/cert.pem"
expect 'the status is what matters' "1 guardhouse: $url/nope answers 404" "$code $said"
(mkdir "$dir/other" && dir=$dir/other && certificate)
failing "$GUARDHOUSE" --healthcheck "$url/healthz" --tls-cert "$dir/other/cert.pem"
expect 'a server with another certificate is not trusted' \
    "1 guardhouse: $url/healthz does not answer: the server has another certificate than $dir/other/cert.pem" "$code $said"
failing "$GUARDHOUSE" --healthcheck "http://127.0.0.1:$port/healthz"
expect 'the port speaks HTTPS alone' "1 guardhouse: http://127.0.0.1:$port/healthz answers 400" "$code $said"
failing "$GUARDHOUSE" --healthcheck "$url/healthz" --tls-cert "$dir/key.pem"
expect 'a file without a certificate is named' "1 guardhouse: $dir/key.pem has no certificate" "$code $said"

# The lines of the chapter, and what it says that they print.
undated() { tr -d '\r' | sed 's/^Date: .*/Date: …/'; }
checked=0 command='' expected=
check() {
    [ -n "$command" ] || return 0
    local run=${command//https:\/\/127.0.0.1:8000/$url}
    run="curl -q --noproxy '*' --silent --max-time 10 ${run#curl }"
    expect "$command" "$(undated <<<"$expected")" "$(cd "$dir" && eval "$run" | undated)"
    checked=$((checked + 1)) expected=
}
while IFS= read -r line; do
    case $line in
        '$ '*) check; command=${line#'$ '} ;;
        *) expected+=$line$'\n' ;;
    esac
done < <(section console)
check
expect 'the chapter has its lines' 2 "$checked"

for version in 1.2 1.3; do
    ask /users/me --cacert "$dir/cert.pem" "--tlsv$version" --tls-max "$version" \
        -H 'Authorization: Bearer validtoken'
    expect "over TLS $version a token is accepted" '200 {"username":"user1"}' "$(status) $(body)"
done
ask /protected --cacert "$dir/cert.pem" --http2
expect 'a client that prefers HTTP/2 gets HTTP/1.1' \
    'HTTP/1.1 401 max-age=31536000' "${answer%% *} $(status) $(header Strict-Transport-Security)"
ask /open --cacert "$dir/cert.pem" --http1.0
expect 'a client that offers HTTP/1.0 alone is served' 200 "$(status)"
ask "https://127.0.0.1:$port/users/me" --cacert "$dir/cert.pem"
expect 'the target may be a whole https:// URI' 401 "$(status)"
"$openssl" s_client -connect "127.0.0.1:$port" -servername localhost:8000 </dev/null >/dev/null 2>&1 || true
logged 'the server name that the client sent (SNI) is not a valid name'
ask /open --cacert "$dir/cert.pem" --next --cacert "$dir/cert.pem" --silent --request-target /secure \
    --write-out '%{num_connects}' "$url/"
expect_like 'two requests need one connection' '*"Only verified users."}0' "$answer"

failing curl -q --noproxy '*' --silent --show-error "$url/open"
expect_like 'a client that does not trust the certificate closes' '60 *' "$code $said"
failing curl -q --noproxy '*' --silent --cacert "$dir/cert.pem" --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 "$url/open"
expect_like 'TLS 1.1 is refused' '35 *' "$code $said"
secure=$url url=http://127.0.0.1:$port
ask /open
expect 'the answer to a client without TLS says to use HTTPS' \
    '400 {"detail":"this port speaks HTTPS alone: use https://"}' "$(status) $(body)"
connect 4
send 4 '\0\1\2 garbage'
receive 4
url=$secure
ask /open --cacert "$dir/cert.pem"
expect 'after garbage on one connection another client is served' 200 "$(status)"

# closed_with VERSION: how many close_notify the server sends on a connection.
closed_with() {
    printf 'GET /open HTTP/1.0\r\n\r\n' |
        "$openssl" s_client -connect "127.0.0.1:$port" "-$1" -ign_eof -msg 2>&1 |
        grep -c '^<<< .*close_notify' || true
}
for version in tls1_2 tls1_3; do
    expect "with $version the server sends close_notify" 1 "$(closed_with "$version")"
done

fingerprint() {
    "$openssl" s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null |
        "$openssl" x509 -noout -fingerprint -sha256
}
cp "$dir/cert.pem" "$dir/old.pem"
before=$(fingerprint)
echo 'not a certificate' >"$dir/cert.pem"
kill -HUP "$server"
logged 'the server keeps the old certificate: .*cert.pem has no certificate'
expect 'SIGHUP with a bad file: the old certificate stays in use' "$before" "$(fingerprint)"
certificate
kill -HUP "$server"
logged 'the certificate is loaded again'
expect 'SIGHUP with a new certificate: the server uses it' \
    "$("$openssl" x509 -in "$dir/cert.pem" -noout -fingerprint -sha256)" "$(fingerprint)"
failing curl -q --noproxy '*' --silent --cacert "$dir/old.pem" "$url/open"
expect_like 'a client that trusts only the old one closes' '60 *' "$code $said"

stop
expect 'the server stops' 0 "$code"

# The last part needs a scanner: protocols, ciphers, renegotiation and the like.
start "${pair[@]}"
need sslscan sslscan
"$sslscan" --no-colour --no-fallback "127.0.0.1:$port" >"$dir/scan" 2>&1
for weak in SSLv2 SSLv3 TLSv1.0 TLSv1.1; do
    expect_like "sslscan: no $weak" "$weak *disabled" "$(grep -m1 "^$weak " "$dir/scan")"
done
for good in TLSv1.2 TLSv1.3; do
    expect_like "sslscan: $good" "$good *enabled" "$(grep -m1 "^$good " "$dir/scan")"
done
expect 'sslscan: every cipher suite is AEAD with forward secrecy' '' \
    "$(grep -E '^(Preferred|Accepted) ' "$dir/scan" | grep -vE 'TLS_(AES|CHACHA20)|ECDHE-[A-Z]*-(AES(128|256)-GCM|CHACHA20)' || true)"
expect 'sslscan: no compression, no insecure renegotiation, no Heartbleed' '' \
    "$(grep -iE 'compression enabled|insecure session|vulnerable' "$dir/scan" | grep -v 'not vulnerable' || true)"
stop
expect 'the server stops after the scan' 0 "$code"
