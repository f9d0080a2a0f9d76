#!/usr/bin/env bash
# Every guarded route of the lesson: which credentials it accepts, which ones it
# refuses, and with which answer.
. "$(dirname "$0")/server.sh"

start

missing='Bearer realm="guardhouse"'
invalid="$missing"', error="invalid_token", error_description="the access token is malformed, unknown or expired"'
repeated="$missing"', error="invalid_request", error_description="more than one Authorization field"'

# seen: the last answer in one line.
seen() { echo "$(status) $(body) | $(header WWW-Authenticate)"; }

# guarded PATH TOKEN BODY DETAIL: the answers of the route that accepts that token.
guarded() {
    local path=$1 token=$2 welcome="200 $3 | " credentials name
    local no_credentials='401 {"detail":"Not authenticated"} | '"$missing"
    local no_good='401 {"detail":"'$4'"} | '"$invalid"

    for name in Bearer bearer BEARER bEaReR; do
        ask "$path" -H "Authorization: $name $token"
        expect "$path accepts '$name' and its token" "$welcome" "$(seen)"
    done
    ask "$path" -H "authorization:   Bearer   $token  "
    expect "$path accepts spaces around the token" "$welcome" "$(seen)"
    ask "$path" --head -H "Authorization: Bearer $token"
    expect "$path accepts HEAD like GET" 200 "$(status)"

    ask "$path"
    expect "$path refuses a request without credentials" "$no_credentials" "$(seen)"
    ask "$path" --head
    expect "$path refuses HEAD without credentials" "401 $missing" "$(status) $(header WWW-Authenticate)"
    for credentials in "Basic $token" "Token $token" "$token" "Bearer$token" 'Basic dXNlcjE6eA=='; do
        ask "$path" -H "Authorization: $credentials"
        expect "$path refuses '$credentials', which has another scheme" "$no_credentials" "$(seen)"
    done
    ask "$path" -H 'Authorization;'
    expect "$path refuses empty credentials" "$no_credentials" "$(seen)"
    for target in "$path?token=$token" "$path?access_token=$token" "$path?Authorization=Bearer%20$token"; do
        ask "$target"
        expect "$target: a token in the query is ignored" "$no_credentials" "$(seen)"
    done
    ask "$path" -H "Cookie: token=$token" -H "X-Authorization: Bearer $token"
    expect "$path ignores a token in another header" "$no_credentials" "$(seen)"

    for credentials in Bearer 'Bearer wrong' "Bearer ${token}x" "Bearer ${token%?}" "Bearer x$token" \
        "Bearer $(tr '[:lower:]' '[:upper:]' <<<"$token")" "Bearer $token $token" "Bearer $token," \
        "Bearer \"$token\"" "Bearer $token="; do
        ask "$path" -H "Authorization: $credentials"
        expect "$path refuses '$credentials'" "$no_good" "$(seen)"
    done

    ask "$path" -H "Authorization: Bearer $token" -H "Authorization: Bearer $token"
    expect "$path refuses two Authorization headers" \
        '400 {"detail":"Malformed credentials"} | '"$repeated" "$(seen)"

    ask "$path" --data 'a=b' -H 'Expect: 100-continue' --request GET
    expect "$path: a refused client does not get 100 Continue" 'HTTP/1.1 401 Unauthorized' \
        "$(head -n 1 <<<"$answer")"
}

guarded /protected fake-super-secret-token \
    '{"message":"Hello user1! This is a protected route."}' 'Invalid authentication credentials'
guarded /dashboard valid-token '{"message":"Welcome user123 to your dashboard."}' 'Invalid token'
guarded /users/me validtoken '{"username":"user1"}' 'Invalid token'
guarded /admin secret '{"user":"admin"}' 'Unauthorized'

ask /admin -H 'Authorization: Bearer validtoken'
expect 'a token is valid for its own route only' \
    '401 {"detail":"Unauthorized"} | '"$invalid" "$(seen)"

stop
expect 'the server stops' 0 "$code"
expect 'no token is in the log' '' "$(grep -e secret -e valid-token -e validtoken "$dir/log" || true)"
