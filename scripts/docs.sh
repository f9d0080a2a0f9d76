#!/usr/bin/env bash
# Tests the page /docs in a real browser: what a learner sees, does and copies;
# that the page is accessible (axe-core), and that it never turns text into HTML.
#
#   SHOTS=folder scripts/docs.sh    # saves screenshots in this folder
#
# The browser is Debian's chromium. playwright-core, which controls it, and
# axe-core come from npm into a temporary folder. If one of them is missing, the
# script skips.
. "$(dirname "$0")/server.sh"

need chromium chromium
from_npm playwright-core@1.65.1 axe-core@4.14.1

start

for path in /docs /openapi.json /docs.txt; do
    ask "$path"
    etag=$(header ETag)
    expect_like "$path has an entity-tag" '200 "*"' "$(status) $etag"
    ask "$path" -H "If-None-Match: $etag"
    expect "$path is not sent again to a client that has it" "304 $etag " "$(status) $(header ETag) $(body)"
done
ask /docs
expect_like 'the page can run its own script only' \
    "default-src 'none'; script-src 'sha256-*'; *connect-src 'self'; * nosniff" \
    "$(header Content-Security-Policy) $(header X-Content-Type-Options)"

NODE_PATH=$dir/node_modules "$node" tests/docs.js "$url" "$chromium" ${SHOTS:+"$SHOTS"}

stop
expect 'the server stops' 0 "$code"

# In a build with logins the page has a login form.
use_build_with_features
umask 077
echo "ann:$("$GUARDHOUSE" --hash-password <<<correct-horse)" >"$dir/users.txt"
start --users "$dir/users.txt"
NODE_PATH=$dir/node_modules "$node" tests/docs.js "$url" "$chromium" "${SHOTS:-}" ann correct-horse
stop
expect 'the server stops' 0 "$code"
