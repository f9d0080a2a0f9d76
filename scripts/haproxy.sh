#!/usr/bin/env bash
# Three replicas behind HAProxy, which asks each one whether it is ready, and a
# restart of one replica after the other under load. No request fails. All replicas accept
# the token of a login at one of them, also after the restarts, and none of them accepts the
# token of a removed user.
. "$(dirname "$0")/server.sh"

need haproxy haproxy
need openssl openssl
command -v python3 >/dev/null || skip 'python3 is not installed'

use_build_with_features

# The replicas have the same users and the same key, and share nothing else.
users=$dir/users.txt key=$dir/key.txt
(
    umask 077
    "$GUARDHOUSE" --new-key >"$key"
    echo 'user1:fake-super-secret-token' >"$users"
)
"$GUARDHOUSE" --new-password ann --append "$users" <<<correct-horse >"$dir/line"
replica=() replica_port=()
# start_replica I PORT
start_replica() {
    start_at "$2" --drain-delay 1 --log-level warn --users "$users" --token-key "$key" --reload-every 1
    replica[$1]=$server replica_port[$1]=$port
    server=
}
for i in 0 1 2; do start_replica $i 0; done
# at_each TOKEN: the statuses that the replicas answer to a token.
at_each() {
    local i
    for i in 0 1 2; do
        url=http://127.0.0.1:${replica_port[$i]}
        ask /users/me -H "Authorization: Bearer $1"
        status
    done | paste -sd' ' -
}
# login: a token from the first replica.
login() {
    url=http://127.0.0.1:${replica_port[0]}
    ask /token -d username=ann -d password=correct-horse
    token=$(body | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
}
login
expect 'every replica accepts a token that one of them has given' '200 200 200' "$(at_each "$token")"

free_port front
{
    echo global
    echo "    stats socket $dir/haproxy.sock mode 600"
    # The configuration of the manual as it stands, with other addresses.
    recipe haproxy proxies |
        sed "s|bind :80|bind 127.0.0.1:$front|; s|10.0.0.1:8000|127.0.0.1:${replica_port[0]}|
             s|10.0.0.2:8000|127.0.0.1:${replica_port[1]}|; s|10.0.0.3:8000|127.0.0.1:${replica_port[2]}|"
} >"$dir/haproxy.cfg"
"$haproxy" -f "$dir/haproxy.cfg" -db >"$dir/haproxy.log" 2>&1 &
also_stop $!
url=http://127.0.0.1:$front
curl -q --noproxy '*' --silent --output /dev/null --retry 50 --retry-delay 0 --retry-max-time 10 --retry-connrefused "$url/open" ||
    expect 'HAProxy starts' '' "$(cat "$dir/haproxy.log")"

# Eight clients: four keep their connection, and four open a new one for each
# request.
cat >"$dir/load.py" <<'PYTHON'
import http.client
import sys
import threading

port, stopped = int(sys.argv[1]), threading.Event()
counts, failures = [], []


def client(keeps):
    count = 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    while not stopped.is_set():
        try:
            connection.request("GET", "/protected", headers={
                "Authorization": "Bearer fake-super-secret-token",
                "Connection": "keep-alive" if keeps else "close"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                failures.append(answer.status)
            count += 1
        except (OSError, http.client.HTTPException) as error:
            failures.append(repr(error))
            connection.close()
    counts.append(count)


threads = [threading.Thread(target=client, args=(i % 2 == 0,)) for i in range(8)]
for thread in threads:
    thread.start()
print("under load", flush=True)
sys.stdin.readline()
stopped.set()
for thread in threads:
    thread.join()
print(sum(counts), len(failures), *failures[:5])
PYTHON
coproc LOAD { python3 "$dir/load.py" "$front"; }
load=$LOAD_PID
also_stop "$load"
read -r -t 10 line <&"${LOAD[0]}"
expect 'the clients send requests' 'under load' "$line"

# is_up I: waits until HAProxy sends requests to this replica again.
is_up() {
    local seen
    for _ in {1..100}; do
        seen=$(python3 - "$dir/haproxy.sock" "replica$1" <<'PYTHON'
import socket
import sys

with socket.socket(socket.AF_UNIX) as stats:
    stats.connect(sys.argv[1])
    stats.sendall(b"show stat\n")
    rows = [line.split(",") for line in stats.makefile().read().splitlines()]
print(next(row[17] for row in rows if len(row) > 17 and row[1] == sys.argv[2]))
PYTHON
        )
        [ "$seen" != UP ] || return 0
    done
    return 1
}

for i in 0 1 2; do
    server=${replica[$i]}
    stop TERM
    expect "replica $i stops under load" 0 "$code"
    start_replica $i "${replica_port[$i]}"
    is_up $i || expect "replica $i gets requests again" UP down
done

echo >&"${LOAD[1]}"
read -r -t 20 served failed which <&"${LOAD[0]}"
expect "none of $served requests failed" 0 "$failed${which:+ $which}"
[ "$served" -gt 100 ] || expect 'there were requests' 'more than 100' "$served"

expect 'the token is still good after all of them were started again' '200 200 200' "$(at_each "$token")"
# The next key is first accepted, then it signs, then the old one is removed: with the commands of
# the manual as they stand. With umask 022, all users can read a new file that does not get the
# mode of the old one.
program=$(realpath "$GUARDHOUSE")
guardhouse() { "$program" "$@"; }
exchange_step() {
    local commands
    commands=$(recipe 'sh exchange' logins |
        awk -v step="$1" 'match($0, /# [0-9]\./) { at = substr($0, RSTART + 2, 1) } at == step')
    (cd "$dir" && umask 022 && set -e && eval "$commands")
}
# becomes STATUSES: asks until the replicas answer so to the token, because a signal only
# asks for a reload.
becomes() {
    local began=$SECONDS
    until [ "$(at_each "$token")" = "$1" ] || [ $((SECONDS - began)) -gt 10 ]; do :; done
}
reload() { for i in 0 1 2; do kill -HUP "${replica[$i]}"; done; }
first=$(cat "$key")
exchange_step 1
next=$(tail -n 1 "$key")
reload
exchange_step 2
expect 'the new key comes first' "$next $first" "$(xargs <"$key")"
reload
# signed_by KEY: whether the token has the signature of this key (RFC 7515 §3.1).
signed_by() {
    local signature
    signature=$(printf %s "${token%.*}" | "$openssl" dgst -sha256 -hmac "$1" -binary | base64 | tr '+/' '-_' | tr -d '=')
    [ "$signature" = "${token##*.}" ]
}
old_token=$token began=$SECONDS
until login && signed_by "$next" || [ $((SECONDS - began)) -gt 10 ]; do :; done
becomes '200 200 200'
expect 'then a token is signed with the new key, and good everywhere' "$next 200 200 200" \
    "$(signed_by "$next" && echo "$next") $(at_each "$token")"
token=$old_token
expect 'a token of the old key is good while both are there' '200 200 200' "$(at_each "$token")"
exchange_step 3
expect 'the old key is gone, and nobody else can read the file' "$next -rw-------" "$(cat "$key") $(stat -c %A "$key")"
reload
becomes '401 401 401'
expect 'and not when only the new one is there' '401 401 401' "$(at_each "$token")"
login
expect 'a token of the new key is good' '200 200 200' "$(at_each "$token")"

# Within --reload-every, and without a signal, no replica accepts a removed user.
began=$SECONDS
grep -v '^ann:' "$users" >"$dir/others"
mv "$dir/others" "$users"
becomes '401 401 401'
expect 'no replica accepts a removed user' '401 401 401' "$(at_each "$token")"
[ $((SECONDS - began)) -le 2 ] || expect 'within --reload-every' 'at most 2 s' "$((SECONDS - began)) s"

for i in 0 1 2; do
    server=${replica[$i]}
    stop
    expect "replica $i stops" 0 "$code"
done
