"""Sends the echo program what would fill the memory of a careless server, and
prints its resident size: before, at its peak, and how much it has grown since its
first request.

The kernel itself keeps the peak of the resident size (VmHWM in
/proc/PID/status), so no peak is missed; it is exact to 32 pages for each
processor. Each client sends until the server closes, or until it has sent
everything.

    python3 memory.py HOST PORT PID
"""

import re
import socket
import sys

MIB = 1024 * 1024
BOUND = 2 * MIB
TOTAL = 50 * MIB
GET = b"GET /echo HTTP/1.1\r\nHost: a\r\n"
POST = b"POST %s HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


def repeated(block, total):
    """At least `total` bytes, in writes of about 64 KiB."""
    block *= 65536 // len(block) or 1
    for _ in range(0, total, len(block)):
        yield block


def attacks():
    """A name, the status that the client should get, and what it sends."""
    yield "nothing but a request", "200", [GET + b"Connection: close\r\n\r\n"]
    yield "50 MB of target", "414", [b"GET /", *repeated(b"a", TOTAL)]
    yield "50 MB of one header", "431", [GET + b"X: ", *repeated(b"a", TOTAL)]
    yield "50 MB of headers", "431", [GET, *repeated(b"X: abcdefgh\r\n", TOTAL)]
    yield "50 MB of empty lines", "400", repeated(b"\r\n", TOTAL)
    extension = [POST % b"/" + CHUNKED + b"5", *repeated(b";a=b", TOTAL)]
    yield "50 MB of one chunk's extensions", "400", extension
    extensions = repeated(b"1;" + b"a" * 200 + b"\r\na\r\n", TOTAL)
    yield "50 MB of many chunks' extensions", "400", [POST % b"/" + CHUNKED, *extensions]
    trailers = repeated(b"X: a\r\n", TOTAL)
    yield "50 MB of trailers", "400", [POST % b"/" + CHUNKED + b"0\r\n", *trailers]
    length = b"Content-Length: 10737418240\r\n\r\n"
    yield "10 GiB announced, 50 MB sent", "413", [POST % b"/" + length, *repeated(b"a", TOTAL)]
    chunk = [CHUNKED + b"8000000000000000\r\n", *repeated(b"a", TOTAL)]
    yield "a chunk of 8 EiB announced, 50 MB sent", "413", [POST % b"/", *chunk]
    chunks = repeated(b"4\r\nabcd\r\n", 4 * TOTAL)
    yield "200 MB of small chunks, read", "413", [POST % b"/" + CHUNKED, *chunks]
    chunks = repeated(b"4\r\nabcd\r\n", 4 * TOTAL)
    yield "200 MB of small chunks, not read", "200", [POST % b"/echo" + CHUNKED, *chunks]


def send(address, pieces):
    """Sends until the server closes; the number of bytes sent, and the answer."""
    sent, received = 0, b""
    with socket.create_connection(address, timeout=20) as client:
        try:
            for piece in pieces:
                client.sendall(piece)
                sent += len(piece)
        except OSError:
            pass  # The server has closed, as it should.
        try:
            client.shutdown(socket.SHUT_WR)
            while piece := client.recv(65536):
                received += piece
        except OSError:
            pass
    return sent, received


def resident(pid):
    """The resident size, and its peak since the last reset, in bytes."""
    with open(f"/proc/{pid}/status") as status:
        sizes = dict(re.findall(r"(?m)^(VmRSS|VmHWM):\s+(\d+) kB$", status.read()))
    return 1024 * int(sizes["VmRSS"]), 1024 * int(sizes["VmHWM"])


def main():
    address, pid = (sys.argv[1], int(sys.argv[2])), sys.argv[3]
    send(address, [GET + b"Connection: close\r\n\r\n"])
    at_first, _ = resident(pid)
    failures = 0
    print(f"{'':40} {'sent':>10} {'answer':>6} {'before':>10} {'peak':>10} {'growth':>10}")
    for name, expected, pieces in attacks():
        # "5" resets the peak to the present size (proc_pid_clear_refs(5)).
        with open(f"/proc/{pid}/clear_refs", "w") as clear:
            clear.write("5")
        before, _ = resident(pid)
        sent, received = send(address, pieces)
        _, peak = resident(pid)
        growth = peak - at_first
        # If the client still sends when the server closes, a reset may replace the
        # answer.
        status = received[9:12].decode() or "reset"
        sent, *sizes = (f"{size // 1024:6} KiB" for size in (sent, before, peak, growth))
        print(f"{name:40} {sent} {status:>6} {' '.join(sizes)}")
        if growth >= BOUND or status not in (expected, "reset"):
            failures += 1
            print(f"    DIFFERENT: expected {expected}, and growth below {BOUND // 1024} KiB")
    if failures:
        sys.exit(f"FAILED: {failures} of the above")


if __name__ == "__main__":
    main()
