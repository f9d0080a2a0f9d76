#!/usr/bin/env bash
# Programs that know the Common Log Format read the access log: goaccess counts its
# requests, and fail2ban finds the failed logins and the wrong tokens in it.
. "$(dirname "$0")/server.sh"

use_build_with_features

need goaccess goaccess

users=$dir/users.txt
token=$("$GUARDHOUSE" --new-token 'Ann Lee' reports:read --append "$users" | head -n 1)
"$GUARDHOUSE" --new-password bob --append "$users" <<<correct-horse >/dev/null
cyds=$("$GUARDHOUSE" --new-token 'cyd [ci] "x"' --append "$users" | head -n 1)
start --users "$users" --log-level debug

sent=0 bytes=0
# visit TARGET [CURL OPTION ...]: a request; its status is in $visited.
visit() {
    local size
    read -r visited size < <(curl -q --noproxy '*' --silent --output /dev/null --max-time 10 \
        --write-out '%{http_code} %{size_download}\n' --request-target "$1" "${@:2}" "$url/")
    sent=$((sent + 1)) bytes=$((bytes + size))
}
visit /open
visit /open --http1.0
visit /open --head
visit /open -X OPTIONS
visit /open -X POST --data 'a body'
visit "/open?access_token=$token"
visit "$url/open"
visit /protected -H "Authorization: Bearer $token"
expect 'a request of a user with a space in the name' 200 "$visited"
visit /protected -H "Authorization: Bearer $cyds"
expect 'and of one with brackets and quotes' 200 "$visited"
for wrong in wrong "$token." ''; do visit /protected -H "Authorization: Bearer $wrong"; done
visit /protected
expect 'four requests are refused' 401 "$visited"
# What could end the quotes, the line or the word.
visit '/"%20200%201'
# shellcheck disable=SC1003 # It is one backslash.
visit '/\'
visit '/\" 401 1'
visit '/a%0d%0ab'
visit '/"x'
visit $'/\x01'
visit /token -d username=bob -d password=correct-horse
expect 'a login succeeds' 200 "$visited"
for name in bob eve; do
    visit /token -d "username=$name" -d password=guess
    expect 'a login with a wrong name or password' 400 "$visited"
done
visit /token -d username=bob
expect 'a login without a password' 400 "$visited"
stop

# Lines of the access log begin with an address, and all others with a level.
grep -v '^[A-Z]* *\[' "$dir/log" >"$dir/access"
report() {
    "$goaccess" "$1" --no-global-config --json-pretty-print --log-format=COMMON --output="$dir/report.json" \
        >"$dir/goaccess" 2>&1 || expect 'goaccess runs' '' "$(cat "$dir/goaccess")"
}
# total NAME: a number of the report's first part.
total() { sed -n "s/^[[:space:]]*\"$1\": \([0-9]*\),*$/\1/p" "$dir/report.json" | head -n 1; }
report "$dir/access"
expect 'goaccess reads a request in each line, and the bytes that curl received' "$sent 0 $bytes" \
    "$(total valid_requests) $(total failed_requests) $(total bandwidth)"
for path in open protected token; do
    # JSON may escape a slash, and goaccess does.
    expect_like "goaccess lists /$path" "*\"data\": \"\\\\/$path\"*" "$(<"$dir/report.json")"
done
expect 'the log has no query' 0 "$(grep -c access_token "$dir/log" || true)"
report "$dir/log"
expect 'goaccess reads the same requests in the whole log' "$sent $bytes" "$(total valid_requests) $(total bandwidth)"

need fail2ban-regex fail2ban
# The filter of the manual as it stands.
recipe fail2ban operations >"$dir/filter.conf"
# shellcheck disable=SC2154 # `need` sets it.
found=$("$fail2ban_regex" --print-all-matched "$dir/log" "$dir/filter.conf" | sed -n '/^|- Matched/,/^`-/s/^|  //p')
refused=$(grep -c '" 401 [0-9]*$' "$dir/log")
expect 'the log has a line for each request that was refused' 4 "$refused"
expect 'the filter of the manual finds these, and the failed logins, and no other line' \
    "$(grep -e '" 401 [0-9]*$' -e 'failed login from 127.0.0.1 \[.*\]$' "$dir/log")" "$found"
expect 'there are two failed logins' 2 "$(grep -c 'failed login' <<<"$found")"
