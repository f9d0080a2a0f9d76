#!/usr/bin/env bash
# Users from a file: a token of one's own, scopes, a new file without a restart,
# and what a proxy in front of something else is told.
. "$(dirname "$0")/server.sh"

users=$dir/users.txt
umask 077
{
    echo '# who may come in'
    "$GUARDHOUSE" --new-token ann reports:read reports:write
    "$GUARDHOUSE" --new-token bob
} >"$users"
token() { sed -n "s/^$1:\([^:]*\):.*/\1/p" "$users"; }
ann=$(token ann) bob=$(token bob)
expect_like 'a new token has 256 bits in hexadecimal' "$(printf '[0-9a-f]%.0s' {1..64})" "$ann"

start --users "$users"
expect 'nothing about the file is warned of' '' "$(grep WARN "$dir/log" || true)"

bearer() { echo "Authorization: Bearer $1"; }
ask /protected -H "$(bearer "$ann")"
expect 'a user of the file comes in' '200 {"message":"Hello ann! This is a protected route."}' "$(status) $(content)"
ask /protected -H "$(bearer fake-super-secret-token)"
expect 'a token of the lesson does not' 401 "$(status)"

who() { echo "$(status) $(field X-Auth-User) [$(field X-Auth-Scopes)]"; }
for method in GET HEAD POST PUT PATCH DELETE OPTIONS; do
    if [ "$method" = HEAD ]; then method_option=--head; else method_option="--request $method"; fi
    # shellcheck disable=SC2086 # Two words.
    ask /auth $method_option -H "$(bearer "$ann")"
    expect "/auth says who it is, asked with $method" '204 ann [reports:read reports:write]' "$(who)"
done
ask /auth -H "$(bearer "$bob")" -H 'X-Auth-User: ann' -H 'X-Auth-Scopes: reports:read'
expect '/auth does not believe what a client says of itself' '204 bob []' "$(who)"
expect 'the field is there, empty' 1 "$(grep -c '^X-Auth-Scopes: $' <<<"$answer")"
ask /auth
expect '/auth refuses who brings no token' '401 Bearer realm="guardhouse"' "$(status) $(field WWW-Authenticate)"

ask '/auth?scope=reports:read' -H "$(bearer "$ann")"
expect 'a scope that is there' 204 "$(status)"
ask '/auth?scope=reports:read' -H "$(bearer "$bob")"
expect 'a scope that is missing' \
    '403 Bearer realm="guardhouse", error="insufficient_scope", scope="reports:read" {"detail":"Not enough permissions"}' \
    "$(status) $(field WWW-Authenticate) $(content)"

reload() { kill -HUP "$server"; }

new=$("$GUARDHOUSE" --new-token cyd)
echo "$new" >"$users"
reload
logged 'users loaded again: 1'
ask /users/me -H "$(bearer "$(token cyd)")"
expect 'SIGHUP lets the new users in' '200 {"username":"cyd"}' "$(status) $(content)"
ask /users/me -H "$(bearer "$ann")"
expect 'and keeps the old ones out' 401 "$(status)"

echo 'no colon' >>"$users"
reload
logged 'users.txt, line 2: no colon after the name'
ask /users/me -H "$(bearer "${new:4:64}")"
expect 'a bad file changes nothing' '200 {"username":"cyd"}' "$(status) $(content)"

stop
expect 'the server stops' 0 "$code"
expect 'the log names who came in' 1 "$(grep -c ' - ann .* "GET /protected HTTP/1.1" 200 ' "$dir/log" || true)"
expect 'no token is in the log' '' "$(grep -e "$ann" -e "$bob" -e "${new:4:64}" "$dir/log" || true)"

code=0
"$GUARDHOUSE" --listen 127.0.0.1:0 --users "$users" 2>"$dir/log" || code=$?
expect_like 'a bad file stops the start' '1 guardhouse: */users.txt, line 2: no colon after the name' "$code $(cat "$dir/log")"
code=0
"$GUARDHOUSE" --listen 127.0.0.1:0 --users "$dir/none" 2>"$dir/log" || code=$?
expect_like 'so does a file that is not there' '1 guardhouse: */none can?t be read: *' "$code $(cat "$dir/log")"
code=0
"$GUARDHOUSE" --new-token 'a:b' 2>"$dir/log" || code=$?
expect_like 'a name that no file can have is refused' '2 guardhouse: a name has no colon*' "$code $(cat "$dir/log")"

echo 'ann:short' >"$users"
chmod 644 "$users"
start --users "$users"
expect_like 'others can read the file: a warning' '*others can read the tokens: chmod 600 *' "$(cat "$dir/log")"
expect_like 'a short token: a warning' '*1 tokens are short enough to be guessed*' "$(cat "$dir/log")"
stop
