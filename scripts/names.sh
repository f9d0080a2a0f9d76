#!/usr/bin/env bash
# A name that is not ASCII, behind a real nginx: the programs that nginx protects, one in
# Node and one in Python, read the name that stands in the users file.
. "$(dirname "$0")/server.sh"

need nginx nginx-light
command -v python3 >/dev/null || skip 'python3 is not installed'
need node nodejs
start_auth_and_program

cat >"$dir/program.js" <<'NODE'
require('node:http')
  .createServer((request, response) => response.end(decodeURIComponent(request.headers['x-auth-user'])))
  .listen(Number(process.argv[2]), '127.0.0.1');
NODE
cat >"$dir/program.py" <<'PYTHON'
import sys
from urllib.parse import unquote
from wsgiref.simple_server import make_server


def program(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [unquote(environ["HTTP_X_AUTH_USER"]).encode()]


make_server("127.0.0.1", int(sys.argv[1]), program).serve_forever()
PYTHON

for program in "$node $dir/program.js" "python3 $dir/program.py"; do
    free_port behind
    # shellcheck disable=SC2086 # These are words.
    $program "$behind" >"$dir/program" 2>&1 &
    also_stop $!
    start_nginx "127.0.0.1:$behind"
    curl -q --noproxy '*' --silent --output /dev/null --retry 50 --retry-delay 0 --retry-max-time 10 \
        --retry-all-errors --fail --user "ann:$(token ann)" "$url/" || expect 'the program starts' '' "$(cat "$dir/program")"
    for name in ann 'Jörg 100%'; do
        ask / -H "Authorization: Bearer $(token "$name")"
        expect "${program%% *} reads the name $name" "200 $name" "$(status) $(body)"
        ask / --user "$name:$(token "$name")"
        expect 'also if the name came with Basic' "200 $name" "$(status) $(body)"
    done
done

# shellcheck disable=SC2154 # start_auth_and_program sets it.
url=http://$auth
ask /auth --user "Jörg 100%:$(token 'Jörg 100%')"
expect 'what /auth sends is ASCII' 'J%C3%B6rg 100%25' "$(header X-Auth-User)"

stop
expect 'the server stops' 0 "$code"
expect_like 'the access log shows the name as one word' '127.0.0.1 - J*rg\\u{20}100% \[*' "$(grep -m 1 'rg' "$dir/log")"
