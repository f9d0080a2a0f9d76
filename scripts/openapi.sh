#!/usr/bin/env bash
# Tests /openapi.json: it is valid OpenAPI, it has exactly the rows of the table,
# and it is true: Schemathesis makes valid and invalid requests from it, and
# compares every answer with it.
#
# openapi-spec-validator and Schemathesis come from PyPI into a virtual environment in
# target/. Without python3 or PyPI the script says so and skips.
. "$(dirname "$0")/server.sh"

from_pypi openapi-spec-validator==0.9.0 schemathesis==4.32.5

# With a users file, one token is valid on every route.
umask 077
"$GUARDHOUSE" --new-token ann reports:read >"$dir/users.txt"
token=$(sed 's/^ann:\([^:]*\):.*/\1/' "$dir/users.txt")
start --users "$dir/users.txt"

# is_valid [WHAT]: whether $answer is an OpenAPI document.
is_valid() {
    body >"$dir/openapi.json"
    expect "${1:-the document} is valid OpenAPI" "$dir/openapi.json: OK" \
        "$("$dir/venv/bin/openapi-spec-validator" "$dir/openapi.json" 2>&1)"
}
ask /openapi.json
expect 'the document is JSON' '200 application/json' "$(status) $(header Content-Type)"
is_valid
rows=$("$dir/venv/bin/python" - "$dir/openapi.json" <<'PYTHON'
import json, sys

for path, operations in json.load(open(sys.argv[1]))["paths"].items():
    for method, operation in operations.items():
        print(method.upper(), path, operation["x-guard"], operation["summary"])
PYTHON
)
# OpenAPI has no word for any method: such a row has an operation for each.
operations() {
    local method row
    "$GUARDHOUSE" --routes | sed 1d | tr -s ' ' | while read -r method row; do
        if [ "$method" = any ]; then method='GET HEAD POST PUT PATCH DELETE OPTIONS'; fi
        for method in $method; do echo "$method $row"; done
    done
}
expect 'the document has the rows of --routes' "$(operations | sort)" "$(sort <<<"$rows")"
ask /docs.txt
expect '/docs.txt is what --routes prints' "$("$GUARDHOUSE" --routes)" "$(body)"

# Methods that must get a 405. QUERY is not one of them: the server does not know
# it and answers 501 (RFC 9110 §15.6.2).
cat >"$dir/schemathesis.toml" <<'TOML'
[phases.coverage]
unexpected-methods = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "TRACE"]
TOML

# conforms WHAT [OPTION ...]: no check of Schemathesis fails. Schemathesis runs in
# $dir, so its files are removed at the end.
conforms() {
    local what=$1 output end=0
    shift
    output=$(cd "$dir" && venv/bin/schemathesis run "$url/openapi.json" --checks all --no-color \
        --max-examples 20 --generation-deterministic "$@" 2>&1) || end=$?
    if [ "$end" = 0 ]; then output='no failure'; fi
    expect "$what: all answers are as the document says" 'no failure' "$output"
}
conforms 'with a token' -H "Authorization: Bearer $token"
conforms 'with a wrong token' -H 'Authorization: Bearer wrong'
conforms 'without a token'
# By default Schemathesis does not test the row that the document came from.
conforms 'the document itself' --include-path /openapi.json

stop
expect 'the server stops' 0 "$code"

use_build_with_features
start
ask /openapi.json
is_valid 'the document of a build with logins'
expect_like 'it says where clients get tokens' \
    '*"type":"oauth2","flows":{"password":{"tokenUrl":"/token","scopes":{}}}*' "$(body)"
stop
