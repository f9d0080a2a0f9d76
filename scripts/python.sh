#!/usr/bin/env bash
# Python's http.client sends all requests of the lesson on one connection.
. "$(dirname "$0")/server.sh"

command -v python3 >/dev/null || skip 'python3 is not installed'

start

python3 - "$port" <<'PYTHON'
import http.client, json, sys

MISSING = 'Bearer realm="guardhouse"'
INVALID = MISSING + ', error="invalid_token", error_description="the access token is malformed, unknown or expired"'
CREDENTIALS = "Invalid authentication credentials"

# The lesson's table: path, token, answer, and the detail for another token.
TABLE = [
    ("/open", None, {"message": "Anyone can see this."}, None),
    ("/secure", None, {"message": "Only verified users."}, None),
    ("/protected", "fake-super-secret-token", {"message": "Hello user1! This is a protected route."}, CREDENTIALS),
    ("/dashboard", "valid-token", {"message": "Welcome user123 to your dashboard."}, "Invalid token"),
    ("/users/me", "validtoken", {"username": "user1"}, "Invalid token"),
    ("/admin", "secret", {"user": "admin"}, "Unauthorized"),
]

connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=10)
connection.connect()
socket = connection.sock


def expect(what, expected, saw):
    if expected != saw:
        sys.exit(f"FAILED  {what}\nexpected: {expected}\nsaw:      {saw}")


def check(method, path, token, status, answer, challenge=None, allow=None):
    what = f"{method} {path} with {token or 'no token'}: {status}"
    connection.request(method, path, headers={"Authorization": f"Bearer {token}"} if token else {})
    response = connection.getresponse()
    body = response.read()
    expect(what, status, response.status)
    expect(what, "" if answer is None else json.dumps(answer, separators=(",", ":")), body.decode())
    if answer is not None:
        expect(what, "application/json", response.getheader("Content-Type"))
        expect(what, str(len(body)), response.getheader("Content-Length"))
    expect(what, challenge, response.getheader("WWW-Authenticate"))
    expect(what, allow, response.getheader("Allow"))
    expect(what, None, response.getheader("Connection"))
    expect(what + ": one Date", 1, len(response.headers.get_all("Date")))
    expect(what + ": the connection stays open", True, connection.sock is socket)
    print("ok     ", what)


for path, token, answer, detail in TABLE:
    check("GET", path, token, 200, answer)
    check("HEAD", path, token, 200, None)
    check("POST", path, token, 405, {"detail": "Method Not Allowed"}, allow="GET, HEAD, OPTIONS")
    check("OPTIONS", path, token, 204, None, allow="GET, HEAD, OPTIONS")
    if token:
        check("GET", path, None, 401, {"detail": "Not authenticated"}, MISSING)
        check("GET", path, "wrong", 401, {"detail": detail}, INVALID)
        check("GET", path, token, 200, answer)
check("GET", "/nope", None, 404, {"detail": "Not Found"})
PYTHON

stop
expect 'the server stops' 0 "$code"
