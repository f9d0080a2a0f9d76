#!/usr/bin/env bash
# /openapi.json is valid OpenAPI, has the rows of the table and no others, and
# tells the truth: Schemathesis makes requests from it, sound and broken, and
# holds every answer against it.
#
# openapi-spec-validator and Schemathesis come from PyPI into a temporary virtual
# environment. Without python3 or PyPI it says so and skips.
. "$(dirname "$0")/server.sh"

command -v python3 >/dev/null || skip 'there is no python3'
python3 -m venv "$dir/venv" >"$dir/pip" 2>&1 || skip "no venv: $(tail -n 1 "$dir/pip")"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 10 \
    openapi-spec-validator==0.9.0 schemathesis==4.32.5 >"$dir/pip" 2>&1 ||
    skip "openapi-spec-validator and schemathesis can't be installed: $(tail -n 1 "$dir/pip")"

# With a file of users one token opens every route.
umask 077
"$GUARDHOUSE" --new-token ann reports:read >"$dir/users.txt"
token=$(sed 's/^ann:\([^:]*\):.*/\1/' "$dir/users.txt")
start --users "$dir/users.txt"

ask /openapi.json
expect 'the document is there' '200 application/json' "$(status) $(header Content-Type)"
body >"$dir/openapi.json"
expect 'it is valid OpenAPI' "$dir/openapi.json: OK" \
    "$("$dir/venv/bin/openapi-spec-validator" "$dir/openapi.json" 2>&1)"
rows=$("$dir/venv/bin/python" - "$dir/openapi.json" <<'PYTHON'
import json, sys

for path, operations in json.load(open(sys.argv[1]))["paths"].items():
    for method, operation in operations.items():
        print(method.upper(), path, operation["x-guard"], operation["summary"])
PYTHON
)
expect 'its rows are those of --routes' \
    "$("$GUARDHOUSE" --routes | sed 1d | tr -s ' ' | sort)" "$(sort <<<"$rows")"
ask /docs.txt
expect 'and those of /docs.txt' "$("$GUARDHOUSE" --routes)" "$(body)"

# QUERY is left out of the methods that must get a 405: the server does not know
# it, and says 501 (RFC 9110 §15.6.2) instead.
cat >"$dir/schemathesis.toml" <<'TOML'
[phases.coverage]
unexpected-methods = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "TRACE"]
TOML

# conforms WHAT [OPTION ...]: no check of Schemathesis fails. It works in $dir,
# where its files are gone with the story.
conforms() {
    local what=$1 output end=0
    shift
    output=$(cd "$dir" && venv/bin/schemathesis run "$url/openapi.json" --checks all --no-color \
        --max-examples 20 --generation-deterministic "$@" 2>&1) || end=$?
    if [ "$end" = 0 ]; then output='no failure'; fi
    expect "$what: all answers are as the document says" 'no failure' "$output"
}
conforms 'with a token' -H "Authorization: Bearer $token"
conforms 'with a wrong one' -H 'Authorization: Bearer wrong'
conforms 'with none'
# It leaves out the row that it got the document from, unless told otherwise.
conforms 'the document itself' --include-path /openapi.json

stop
expect 'the server stops' 0 "$code"
