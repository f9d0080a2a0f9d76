#!/usr/bin/env bash
# The program to copy, tests/notes.rs, as its users meet it: with curl, and in a browser
# if chromium, node and npm are there or can be installed.
. "$(dirname "$0")/server.sh"

cargo build --locked --quiet --example notes
mkfifo "$dir/stdout"
"${CARGO_TARGET_DIR:-target}/debug/examples/notes" 127.0.0.1:0 >"$dir/stdout" 2>"$dir/log" &
server=$!
exec 3<"$dir/stdout"
read -r -t 10 ready <&3
url=${ready#listening on }
port=${url##*:}

ann='Authorization: Bearer s3cret-token-of-ann' bob='Authorization: Bearer s3cret-token-of-bob'
json='Content-Type: application/json'
ask /notes
expect 'without a token nobody sees notes' '401 Bearer realm="notes"' "$(status) $(header WWW-Authenticate)"
ask /notes -H "$ann"
expect 'Ann has no notes yet' '200 []' "$(status) $(body)"
ask /notes -H "$ann" -H "$json" --data '{"title":"Buy milk"}'
expect 'she adds one' '201 /notes/1 {"id":1,"title":"Buy milk"}' "$(status) $(header Location) $(body)"
ask /notes -H "$ann" --data 'title=Buy+milk'
expect 'a form is not JSON' 415 "$(status)"
ask /notes -H "$ann" -H "$json" --data '{"text":"Buy milk"}'
expect 'and other JSON is not a note' '422 {"detail":"no title"}' "$(status) $(body)"
for note in 2 3; do ask /notes -H "$ann" -H "$json" --data "{\"title\":\"Note $note\"}"; done
ask '/notes?limit=2' -H "$ann"
expect 'a list has as many notes as she asks for' \
    '[{"id":1,"title":"Buy milk"},{"id":2,"title":"Note 2"}]' "$(body)"
ask '/notes?limit=two' -H "$ann"
expect 'that must be a number' 422 "$(status)"
ask '/notes?limit=%' -H "$ann"
expect 'and the query well-formed' '400 {"detail":"malformed query"}' "$(status) $(body)"
ask /notes/1 -H "$ann"
expect 'she reads her note' '200 {"id":1,"title":"Buy milk"}' "$(status) $(body)"
for asked in GET DELETE; do
    ask /notes/1 -H "$bob" --request "$asked"
    hers="$(status) $(body)"
    ask /notes/999 -H "$bob" --request "$asked"
    expect "to Bob it looks as if it did not exist ($asked)" '404 {"detail":"Not Found"} 404 {"detail":"Not Found"}' \
        "$hers $(status) $(body)"
done
ask /notes/1 -H "$ann" --request DELETE
expect 'she removes it' 204 "$(status)"
ask /notes/1 -H "$ann"
expect 'and it is gone' 404 "$(status)"
for note in 2 3; do ask "/notes/$note" -H "$ann" --request DELETE; done
ask /notes -H "$bob" -H "$json" --data '{"title":"Call Ann"}'
expect 'the numbers of her notes are never those of others' '201 /notes/4' "$(status) $(header Location)"
ask /notes/1 --request OPTIONS -H 'Origin: http://localhost:3000' -H 'Access-Control-Request-Method: DELETE'
expect 'a page of the known origin may ask what it may do, without a token' \
    '204 http://localhost:3000 GET, POST, DELETE' \
    "$(status) $(header Access-Control-Allow-Origin) $(header Access-Control-Allow-Methods)"
ask /nope -H 'Origin: http://evil.example'
expect 'another page is told nothing' '404 ' "$(status) $(header Access-Control-Allow-Origin)"

# The rest needs a browser.
need chromium chromium
from_npm playwright-core@1.65.1
NODE_PATH=$dir/node_modules "$node" tests/notes.js "$url" "$chromium"

stop
expect 'SIGTERM stops the program' 0 "$code"
