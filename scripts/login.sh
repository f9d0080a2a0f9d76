#!/usr/bin/env bash
# Logins: a password in the users file, and a token for it from POST /token, as the
# manual shows; a terminal; a library that knows RFC 6749; and how long other
# clients wait while 64 clients guess passwords.
. "$(dirname "$0")/server.sh"

use_build_with_features

expect_like '--routes shows the route that gives tokens' '*POST *  /token *' "$("$GUARDHOUSE" --routes)"
expect_like 'and the routes that accept them' '*GET *  /protected *  Bearer from /token  *' "$("$GUARDHOUSE" --routes)"

hash() { "$GUARDHOUSE" --hash-password <<<"$1"; }
hashed=$(hash correct-horse)
# shellcheck disable=SC2016 # It is not a variable.
expect_like '--hash-password prints a hash' '$argon2id$v=19$m=19456,t=2,p=1$*$*' "$hashed"
[ "$hashed" != "$(hash correct-horse)" ] || expect 'each hash has another salt' 'another one' "$hashed"
code=0
"$GUARDHOUSE" --hash-password correct-horse 2>"$dir/log" || code=$?
expect_like 'a password on the command line is refused' '2 guardhouse: --hash-password reads the password from stdin*' "$code $(cat "$dir/log")"
code=0
"$GUARDHOUSE" --hash-password </dev/null 2>"$dir/log" || code=$?
expect 'an empty password is refused' "1 guardhouse: can't hash the password: it is empty" "$code $(cat "$dir/log")"

users=$dir/users.txt
line=$("$GUARDHOUSE" --new-password ann reports:read --append "$users" <<<correct-horse)
expect '--new-password adds a line to the file, which only its owner can read' "600 $line" "$(stat -c %a "$users") $(cat "$users")"
start --users "$users"
expect 'the log has no warning about the file' '' "$(grep WARN "$dir/log" || true)"

# The lines of the manual print what stands below them there, except the token.
# The first one prints it, and the others send it.
issued() { sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p' <<<"$1"; }
token= checked=0
while IFS= read -r line; do
    if [[ $line = '$ '* ]]; then
        command=${line#'$ curl '}
        continue
    fi
    run=${command//http:\/\/127.0.0.1:8000/$url}
    [ -z "$token" ] || run=${run//$shown/$token}
    saw=$(eval "curl -q --noproxy '*' --silent --max-time 10 $run")
    [ -n "$token" ] || { shown=$(issued "$line") token=$(issued "$saw"); }
    expect "curl $command" "$line" "${saw//$token/$shown}"
    checked=$((checked + 1))
done < <(recipe 'console login' logins)
expect 'the chapter has its lines' 3 "$checked"

ask /auth --user "ann:$token"
expect 'at /auth the token is the password of its user, for browsers' '204 ann' "$(status) $(header X-Auth-User)"
ask /auth --user "bob:$token"
expect 'and of no other user' 401 "$(status)"
ask /auth --user ann:correct-horse
expect 'the password of a login is not, because checking it is slow' 401 "$(status)"
ask /token -d username=ann -d password=correct-horse -d scope=admin
expect 'a scope that the user does not have gets 400' '400 no-store' "$(status) $(header Cache-Control)"
expect_like 'with the error of OAuth' '*"error":"invalid_scope"*' "$(body)"

reload() {
    kill -HUP "$server"
    # Through a pipe: without output, grep ends at the first line, whatever -m says.
    timeout 10 grep -m "$1" -e 'users loaded again: ' <(tail -n +1 -f "$dir/log") | cat >"$dir/reloads"
}
me() {
    ask /users/me -H "Authorization: Bearer $token"
    status
}
{
    read -r bobs
    read -r line
} < <("$GUARDHOUSE" --new-token bob reports:read --until 2999-12-31 --append "$users")
reload 1
expect 'after a reload the token is still valid' 200 "$(me)"
ask /users/me -H "Authorization: Bearer $bobs"
expect 'and so is one of which the file has only the hash' '200 {"username":"bob"}' "$(status) $(body)"
expect 'the hash is that of sha256sum' "bob:sha256:$(printf %s "$bobs" | sha256sum | cut -d' ' -f1):reports:read:2999-12-31" "$line"
echo "eve:sha256:$(printf %s eve-s-expired-token | sha256sum | cut -d' ' -f1)::2026-01-01" >>"$users"
grep -v '^ann:' "$users" >"$dir/others"
mv "$dir/others" "$users"
reload 2
expect 'but not after the user is removed' 401 "$(me)"
ask /users/me -H 'Authorization: Bearer eve-s-expired-token'
expect_like 'a token is not valid after its last day' '401 *error="invalid_token"*' "$(status) $(header WWW-Authenticate)"
expect_like 'and the log warns of that' '*lines that have expired or will within a week: 1; the first is one of "eve"*' "$(cat "$dir/log")"

stop
expect 'the log names the user who logged in' 1 "$(grep -c ' - ann .* "POST /token HTTP/1.1" 200 ' "$dir/log" || true)"
expect 'no token and no password is in the log' '' "$(grep -e "$token" -e correct-horse -e wrong "$dir/log" || true)"

# Hashes that other programs made: one can never match, one costs too much, and one
# costs less than that of ann.
# shellcheck disable=SC2016 # They are not variables.
cheap='$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A'
refused() {
    printf 'ann:%s\nbob:%s\n' "$hashed" "${cheap/$1/$2}" >"$users"
    # A server that starts would not end.
    timeout 10 "$GUARDHOUSE" --users "$users" --listen 127.0.0.1:0 2>&1 >/dev/null || true
}
expect_like 'a hash without p is refused, and the error names the line' \
    "guardhouse: $users, line 2: the cost of the password's hash is not m, t and p, *" "$(refused ,p=1 '')"
expect_like 'so is a hash that costs too much' \
    "guardhouse: $users, line 2: the password's hash costs too much: *" "$(refused m=8 m=262145)"

expect_like 'and one with too many lanes' \
    "guardhouse: $users, line 2: the password's hash costs too much: *" "$(refused m=8,t=1,p=1 m=8192,t=1,p=17)"

# dan's hash has more work, m times t. But cyd's takes longer: it needs new memory each time.
printf 'dan:%s\ncyd:%s\n' "${cheap/m=8,t=1/m=8,t=5600}" "${cheap/m=8,t=1/m=40960,t=1}" >"$users"
start --users "$users" --log-level error
refusal() { # NAME: the time of one wrong password goes to a file.
    curl -q --noproxy '*' --silent --max-time 10 --output /dev/null --write-out '%{time_total}\n' \
        -d "username=$1" -d password=guessed "$url/token" >>"$dir/times.$1"
}
for _ in {1..21}; do refusal cyd && refusal dan && refusal eve; done
median() { sort -n "$dir/times.$1" | sed -n 11p; }
echo "        wrong passwords of cyd, dan and an unknown name: $(median cyd), $(median dan), $(median eve) s"
expect 'an unknown name takes as long as the hash that takes longest, whatever m times t is' yes \
    "$(awk -v longest="$(median cyd)" -v other="$(median dan)" -v unknown="$(median eve)" \
        'BEGIN { if (other > longest) longest = other; print (unknown > 0.75 * longest) ? "yes" : "no" }')"
stop

printf 'bob:%s\nann:%s\n' "$cheap" "$hashed" >"$users"
start --users "$users" --token-lifetime 1 --log-level warn
expect 'hashes of different cost are a warning' 1 \
    "$(grep -c 'WARN .*the password hashes have 2 different costs (m=19456,t=2,p=1; m=8,t=1,p=1)' "$dir/log" || true)"
command -v python3 >/dev/null || skip 'python3 is not installed, and the rest needs it'
echo 'What a terminal shows, and how long other clients wait while 64 clients guess.'
python3 tests/login.py "$GUARDHOUSE" 127.0.0.1 "$port"

from_pypi requests-oauthlib
OAUTHLIB_INSECURE_TRANSPORT=1 "$dir/venv/bin/python" - "$url" <<'PYTHON'
import sys

from oauthlib.oauth2 import InvalidGrantError, LegacyApplicationClient
from requests_oauthlib import OAuth2Session

url = sys.argv[1]
session = OAuth2Session(client=LegacyApplicationClient(client_id="any"))
session.trust_env = False
try:
    session.fetch_token(url + "/token", username="ann", password="wrong")
    sys.exit("FAILED  requests-oauthlib: a wrong password gives a token")
except InvalidGrantError as error:
    print("ok      requests-oauthlib:", error)
token = session.fetch_token(url + "/token", username="ann", password="correct-horse")
assert token["token_type"] == "bearer" and token["expires_in"] == 1, token
answer = session.get(url + "/protected", timeout=10)
if (answer.status_code, answer.json()) != (200, {"message": "Hello ann! This is a protected route."}):
    sys.exit(f"FAILED  requests-oauthlib: {answer.status_code} {answer.text}")
print("ok      requests-oauthlib fetches a token and calls /protected")
PYTHON
stop
expect 'the server stops' 0 "$code"
