#!/usr/bin/env bash
# Users from a file: tokens, scopes, a new file without a restart, and what /auth
# tells a proxy.
. "$(dirname "$0")/server.sh"

users=$dir/users.txt
umask 077
# The last line has no end, as some editors leave it.
printf '# the users' >"$users"
"$GUARDHOUSE" --new-token ann reports:read reports:write --append "$users" >"$dir/new"
"$GUARDHOUSE" --new-token bob --append "$users" >>"$dir/new"
expect '--append adds the lines that it prints' "# the users
$(cat "$dir/new")" "$(cat "$users")"
token() { sed -n "s/^$1:\([^:]*\):.*/\1/p" "$users"; }
ann=$(token ann) bob=$(token bob)
expect_like 'a new token has 256 bits in hexadecimal' "$(printf '[0-9a-f]%.0s' {1..64})" "$ann"

start --users "$users"
expect 'the log has no warning about the file' '' "$(grep WARN "$dir/log" || true)"

bearer() { echo "Authorization: Bearer $1"; }
ask /protected -H "$(bearer "$ann")"
expect 'a token of the file is accepted' '200 {"message":"Hello ann! This is a protected route."}' "$(status) $(body)"
ask /protected -H "$(bearer fake-super-secret-token)"
expect 'a token of the lesson is refused' 401 "$(status)"

who() { echo "$(status) $(header X-Auth-User) [$(header X-Auth-Scopes)]"; }
for method in GET HEAD POST PUT PATCH DELETE OPTIONS; do
    if [ "$method" = HEAD ]; then method_option=--head; else method_option="--request $method"; fi
    # shellcheck disable=SC2086 # The option may have two words.
    ask /auth $method_option -H "$(bearer "$ann")"
    expect "/auth says which user it is, also to $method" '204 ann [reports:read reports:write]' "$(who)"
done
ask /auth -H "$(bearer "$bob")" -H 'X-Auth-User: ann' -H 'X-Auth-Scopes: reports:read'
expect '/auth ignores what a client says about itself, and no scopes are two quotes' '204 bob [""]' "$(who)"
ask '/auth?q=caf%E9&a=100%' -H "$(bearer "$bob")"
expect '/auth ignores the parameters of other programs' '204 bob [""]' "$(who)"
ask /auth
expect '/auth refuses a request without a token, and takes two schemes' '401 Basic realm="guardhouse", charset="UTF-8"
Bearer realm="guardhouse"' "$(status) $(header WWW-Authenticate)"
ask /auth --user "ann:$ann"
expect 'the token is the password of its user' '204 ann [reports:read reports:write]' "$(who)"
ask /auth --user "ann:$bob"
expect 'and not that of another one' 401 "$(status)"
ask '/auth?scope=reports:read' --user "bob:$bob"
expect 'the scopes are checked, too' 403 "$(status)"
ask '/auth?status=200&path=/a/b?c=100%' -H "$(bearer "$ann")"
expect 'the question of Envoy: its prefix, and the target of the client' '200 ann [reports:read reports:write] 0' \
    "$(who) $(header Content-Length)"
ask '/auth?status=200&path=/a&scope=admin' -H "$(bearer "$ann")"
expect 'there a client can make the question harder' 403 "$(status)"
ask '/auth?status=200&scope=reports:read&path=/a&scope=' -H "$(bearer "$bob")"
expect 'and not easier' 403 "$(status)"
ask /auth/basic -H "$(bearer "$ann")"
expect '/auth/basic takes Basic alone' '401 Basic realm="guardhouse", charset="UTF-8"' "$(status) $(header WWW-Authenticate)"
ask /auth/bearer --user "ann:$ann"
expect '/auth/bearer takes Bearer alone' '401 Bearer realm="guardhouse"' "$(status) $(header WWW-Authenticate)"
ask /users/me --user "ann:$ann"
expect 'the routes of the lesson take Bearer alone' '401 Bearer realm="guardhouse"' "$(status) $(header WWW-Authenticate)"

ask '/auth?scope=reports:read' -H "$(bearer "$ann")"
expect 'a user with the scope gets 204' 204 "$(status)"
ask '/auth?scope=reports:read' -H "$(bearer "$bob")"
expect 'a user without the scope gets 403' \
    '403 Bearer realm="guardhouse", error="insufficient_scope", scope="reports:read" {"detail":"Not enough permissions"}' \
    "$(status) $(header WWW-Authenticate) $(body)"

reload() { kill -HUP "$server"; }

new=$("$GUARDHOUSE" --new-token cyd)
echo "$new" >"$users"
reload
logged 'users loaded again: 1 added, 2 removed, 0 changed; now 1 user, 1 token'
ask /users/me -H "$(bearer "$(token cyd)")"
expect 'SIGHUP loads the new users' '200 {"username":"cyd"}' "$(status) $(body)"
ask /users/me -H "$(bearer "$ann")"
expect 'and removes the old ones' 401 "$(status)"
reload
logged 'users loaded again: nothing changed; now 1 user, 1 token'

echo 'no colon' >>"$users"
reload
logged 'users.txt, line 2: no colon after the name: write name:token'
ask /users/me -H "$(bearer "${new:4:64}")"
expect 'a bad file changes nothing' '200 {"username":"cyd"}' "$(status) $(body)"
rm "$users"
mkfifo "$users"
reload
logged 'users.txt is a pipe or /dev/stdin, which is read at the start only'
ask /users/me -H "$(bearer "${new:4:64}")"
expect 'a pipe in place of the file changes nothing, either' '200 {"username":"cyd"}' "$(status) $(body)"

stop
expect 'the server stops' 0 "$code"
expect 'the log names the user' 1 "$(grep -c ' - ann .* "GET /protected HTTP/1.1" 200 ' "$dir/log" || true)"
expect 'no token is in the log' '' "$(grep -e "$ann" -e "$bob" -e "${new:4:64}" "$dir/log" || true)"

rm "$users"
printf '%s\nno colon\n' "$new" >"$users"
code=0
"$GUARDHOUSE" --listen 127.0.0.1:0 --users "$users" 2>"$dir/log" || code=$?
expect_like 'with a bad file the server does not start' '1 guardhouse: */users.txt, line 2: no colon after the name: write name:token' "$code $(cat "$dir/log")"
code=0
"$GUARDHOUSE" --listen 127.0.0.1:0 --users "$dir/none" 2>"$dir/log" || code=$?
expect_like 'with a file that does not exist it does not start, either' '1 guardhouse: */none can?t be read: *' "$code $(cat "$dir/log")"
code=0
"$GUARDHOUSE" --new-token 'a:b' 2>"$dir/log" || code=$?
expect_like 'a name that a users file can not hold is refused' '2 guardhouse: the name has a ?:?*' "$code $(cat "$dir/log")"

echo 'ann:0123456789abcdef' >"$users"
chmod 644 "$users"
start --users "$users"
expect_like 'a file that other users can read gets a warning' '*others can read the tokens: chmod 600 *' "$(cat "$dir/log")"
expect_like 'a short token gets a warning' '*tokens shorter than 22 characters can be guessed, and this file has 1: *' "$(cat "$dir/log")"
stop
