#!/usr/bin/env bash
# Two libraries that know RFC 6750: requests-oauthlib sends the token, and Werkzeug
# reads the challenge.
. "$(dirname "$0")/server.sh"

from_pypi requests-oauthlib werkzeug

start
OAUTHLIB_INSECURE_TRANSPORT=1 "$dir/venv/bin/python" - "$url" <<'PYTHON'
import sys

from requests_oauthlib import OAuth2Session
from werkzeug.datastructures import WWWAuthenticate

url = sys.argv[1]


def check(what, expected, saw):
    if expected != saw:
        sys.exit(f"FAILED  {what}\nexpected: {expected}\nsaw:      {saw}")
    print("ok     ", what)


def get(path, token):
    session = OAuth2Session(token={"access_token": token, "token_type": "Bearer"})
    session.trust_env = False
    return session.get(url + path, timeout=10)


answer = get("/protected", "fake-super-secret-token")
check("the token that requests-oauthlib sends is accepted", (200, {"message": "Hello user1! This is a protected route."}),
      (answer.status_code, answer.json()))

answer = get("/protected", "wrong")
challenge = WWWAuthenticate.from_header(answer.headers["WWW-Authenticate"])
check("a wrong token is refused", 401, answer.status_code)
check("Werkzeug reads the challenge as RFC 6750 defines it", ("bearer", "guardhouse", "invalid_token"),
      (challenge.type, challenge["realm"], challenge["error"]))
PYTHON
stop
expect 'the server stops' 0 "$code"
