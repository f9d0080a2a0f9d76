"""What scripts/login.sh can't test with curl: a terminal, and many clients at once.

    python3 tests/login.py GUARDHOUSE HOST PORT

GUARDHOUSE is the program; one is running at HOST and PORT already.
"""

import http.client
import os
import pty
import sys
import termios
import threading
import time

GUARDHOUSE, HOST, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
GUESSERS = 64
ASKED = 10_000


def check(what, holds, saw):
    if not holds:
        sys.exit(f"FAILED  {what}\nsaw:      {saw}")
    print("ok     ", what, flush=True)


# --- A terminal ---


def read(terminal):
    """What the terminal shows next; nothing after the program has ended."""
    try:
        return os.read(terminal, 1024)
    except OSError:  # So Linux says that no program has the terminal open.
        return b""


def typed(*answers):
    """Types an answer to each question. Returns what the terminal showed, whether it
    shows afterwards what is typed, and the exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(GUARDHOUSE, [GUARDHOUSE, "--hash-password"])
    shown = b""
    for answer in answers:
        while not shown.endswith(b": "):
            shown += read(terminal)
        os.write(terminal, answer)
        shown += read(terminal)
    while piece := read(terminal):
        shown += piece
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    echoes = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
    return shown.decode(), echoes, code


shown, echoes, code = typed(b"s3cret\n", b"s3cret\n")
check("a terminal does not show the password", "s3cret" not in shown and code == 0, shown)
check("but it shows the hash", "$argon2id$" in shown and echoes, shown)
shown, echoes, code = typed(b"s3cret\n", b"secret\n")
check("two passwords that differ are refused", "not the same" in shown and echoes and code == 1, shown)
shown, echoes, code = typed(b"s3cr\x03")
check("after Ctrl-C the terminal shows again what is typed", echoes and code == 1, (shown, echoes, code))

# --- An unknown name takes as long as the name whose hash costs most ---


def refusals(*names):
    """The time until each name is refused, in ms: the median of 101. The names take
    turns, so that other work of the machine slows all of them alike."""
    connection = http.client.HTTPConnection(HOST, PORT, timeout=30)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    times = {name: [] for name in names}
    for name in names * 101:
        began = time.perf_counter()
        connection.request("POST", "/token", f"username={name}&password=guessed", headers)
        connection.getresponse().read()
        times[name].append((time.perf_counter() - began) * 1000)
    return [sorted(times[name])[50] for name in names]


# bob is the first line of the file, and his hash costs little.
wrong, cheap, unknown = refusals("ann", "bob", "eve")
print(f"        a wrong password is refused after {wrong:.2f} ms, one with a cheap hash after {cheap:.2f} ms,")
print(f"        and an unknown name after {unknown:.2f} ms")
check("an unknown name takes as long as the name whose hash costs most", wrong / 2 < unknown < wrong * 2, unknown)

# --- Many clients that guess ---


def guess(count, everyone):
    """One client that guesses as fast as the server answers."""
    connection = http.client.HTTPConnection(HOST, PORT, timeout=30)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    while True:
        connection.request("POST", "/token", "username=ann&password=guessed", headers)
        answer = connection.getresponse()
        answer.read()
        if sum(count.values()) == 0:
            everyone.wait()
        count[answer.status] = count.get(answer.status, 0) + 1


def guessers(ready, stop):
    """Runs clients that guess, in this process, until `stop` is closed."""
    everyone = threading.Barrier(GUESSERS + 1)
    counts = [{} for _ in range(GUESSERS)]
    for count in counts:
        threading.Thread(target=guess, args=(count, everyone), daemon=True).start()
    everyone.wait()
    os.write(ready, b".")
    began = time.monotonic()
    os.read(stop, 1)
    seconds = time.monotonic() - began
    for status in 400, 429:
        rate = sum(count.get(status, 0) for count in counts) / seconds
        print(f"        {rate:.0f} guesses a second were answered {status}", flush=True)
    others = {status for count in counts for status in count} - {400, 429}
    os._exit(1 if others else 0)


def other_requests():
    """The times of many requests for another route, sorted, in ms."""
    connection = http.client.HTTPConnection(HOST, PORT, timeout=30)
    times = []
    for _ in range(ASKED):
        began = time.perf_counter()
        connection.request("GET", "/open")
        connection.getresponse().read()
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times)


def figures(what):
    times = other_requests()
    median, late, last = times[ASKED // 2], times[ASKED * 99 // 100], times[-1]
    print(f"        {what}: median {median:.2f} ms, 99th percentile {late:.2f} ms, most {last:.2f} ms")
    sys.stdout.flush()


figures("GET /open while no client guesses")
(is_ready, ready), (stop, stops) = os.pipe(), os.pipe()
pid = os.fork()
if pid == 0:
    os.close(stops)
    guessers(ready, stop)
os.close(ready)
check(f"{GUESSERS} clients guess", os.read(is_ready, 1) == b".", "that they ended")
figures("GET /open while they guess")
os.close(stops)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
check("each guess is refused, or told to try again later", code == 0, code)
