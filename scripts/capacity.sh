#!/usr/bin/env bash
# More connections than there is room for: 10,000 idle ones with and without a
# limit, clients that send or read slowly, too few descriptors, too little address space, and
# a log that no program reads. Each time a new client is served within a second.
. "$(dirname "$0")/server.sh"

command -v python3 >/dev/null || skip 'python3 is not installed'

GUARDHOUSE=$GUARDHOUSE python3 - <<'PYTHON'
import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time

BINARY = os.environ["GUARDHOUSE"]
REQUEST = (b"GET /protected HTTP/1.1\r\nHost: a\r\n"
           b"Authorization: Bearer fake-super-secret-token\r\n\r\n")


def check(what, is_so, saw=""):
    if not is_so:
        sys.exit(f"FAILED  {what}: {saw}")
    print("ok     ", what, saw and f"({saw})")


@contextlib.contextmanager
def server(*options, limits=(), stderr=subprocess.DEVNULL):
    def confine():
        for which, value in limits:
            resource.setrlimit(which, (value, value))

    process = subprocess.Popen([BINARY, "--listen", "127.0.0.1:0", *options], preexec_fn=confine,
                               stdout=subprocess.PIPE, stderr=stderr)
    try:
        line = process.stdout.readline().decode()
        host, port = line.strip().removeprefix("listening on http://").split(":")
        yield process, (host, int(port))
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            check("the server stops", process.wait(timeout=20) == 0)
    finally:
        process.kill()
        process.wait()


def ask(connection):
    """The status of an answer, or None if the connection is closed."""
    try:
        connection.settimeout(10)
        connection.sendall(REQUEST)
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = connection.recv(4096)
            if not piece:
                return None
            answer += piece
        return int(answer.split(b" ")[1])
    except ConnectionError:
        return None


def new_client_is_served(address, when=""):
    began = time.monotonic()
    with socket.create_connection(address, timeout=10) as connection:
        status = ask(connection)
    took = time.monotonic() - began
    check(f"{when}a new client is served within a second", status == 200 and took < 1,
          f"{status}, {took * 1000:.1f} ms")


def resident(process):
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def threads(process):
    return len(os.listdir(f"/proc/{process.pid}/task"))


def workers_end(process, count):
    """Waits until the server has so many threads: without its workers."""
    deadline = time.monotonic() + 15
    while threads(process) > count and time.monotonic() < deadline:
        # An idle worker ends after five seconds, and no event says so.
        time.sleep(0.1)
    check("the idle workers end", threads(process) <= count, threads(process))


def idle(address, count):
    connections = []
    for _ in range(count):
        connection = socket.create_connection(address, timeout=10)
        check_status = ask(connection)
        if check_status != 200:
            sys.exit(f"FAILED  connection {len(connections)} got {check_status}")
        connections.append(connection)
    return connections


def close(connections):
    for connection in connections:
        connection.close()


# Each connection needs one descriptor here and one in the server.
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
wanted = 10_100
if hard == resource.RLIM_INFINITY or hard >= wanted:
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
many = min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100)
has_proc = os.path.exists("/proc/self/status")

with server("--log-level", "warn") as (process, address):
    before = resident(process) if has_proc else 0
    new_client_is_served(address)
    # All threads of the server are there now, and one worker.
    without_workers = threads(process) - 1 if has_proc else 0
    connections = idle(address, 1000)
    if has_proc:
        each = (resident(process) - before) / 1000
        check("1000 idle connections hold at most 24 KiB each", each <= 24, f"{each:.1f} KiB")
    connections += idle(address, many - 1000)
    if has_proc:
        each = (resident(process) - before) / many
        check(f"{many} idle connections hold at most 24 KiB each", each <= 24, f"{each:.1f} KiB")
    new_client_is_served(address)
    check(f"all {many} are still served", all(ask(one) == 200 for one in connections[::97]))
    close(connections)
    if has_proc:
        # Workers that end at the same moment leave small blocks to each other. So the memory
        # is measured when those of a few more clients have ended, too.
        workers_end(process, without_workers)
        close(idle(address, 64))
        workers_end(process, without_workers)
        kept = (resident(process) - before) / 1024
        check("and most of their memory is given back", kept <= 25, f"{kept:.1f} MiB")

with server("--log-level", "warn", "--max-connections", "100") as (process, address):
    connections = idle(address, many)
    check(f"{many} clients connected with a limit of 100, and each was served", True)
    new_client_is_served(address)
    check("the connection that was idle longest is closed", ask(connections[0]) is None)
    check("the latest connection is open", ask(connections[-1]) == 200)
    close(connections)



class Slow:
    """A client that sends a few bytes at a time, and reads a few. If the server closes the
    connection, the client comes back."""

    def __init__(self, address, request, sent, read):
        self.address, self.request, self.sent, self.read = address, request, sent, read
        self.connect()

    def connect(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
        self.socket.connect(self.address)
        self.socket.setblocking(False)
        self.unsent = self.request

    def step(self):
        try:
            if self.unsent:
                self.unsent = self.unsent[self.socket.send(self.unsent[:self.sent]):]
            if self.socket.recv(self.read):
                return
        except BlockingIOError:
            return
        except ConnectionError:
            pass
        self.socket.close()
        self.connect()


pages = b"GET /docs HTTP/1.1\r\nHost: a\r\n\r\n" * 2000
head = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 9000
body = b"POST /open HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n"
kinds = [
    ("read a few bytes a second", pages, len(pages), 5),
    ("read 40 KB a second", pages, len(pages), 800),
    ("send one byte", b"G", 1, 1),
    ("send a head byte by byte", head, 1, 1),
    ("send no body", body, len(body), 1),
]
# Each kind has a server of its own, and all of them run at the same time.
with contextlib.ExitStack() as servers:
    crowds = []
    for what, request, sent, read in kinds:
        _, address = servers.enter_context(server("--log-level", "warn", "--max-connections", "20"))
        crowds.append((what, address, [Slow(address, request, sent, read) for _ in range(20)]))
    # The first pages fill the buffers of the system. Then the servers wait for their crowds.
    for step in range(120):
        for _, _, crowd in crowds:
            for client in crowd:
                client.step()
        # A client is slow because time passes between its steps.
        time.sleep(0.02)
        if step >= 50 and step % 7 == 0:
            for what, address, _ in crowds:
                new_client_is_served(address, f"while others {what}, ")
    for _, _, crowd in crowds:
        for client in crowd:
            client.socket.close()

with server("--log-level", "warn", limits=[(resource.RLIMIT_NOFILE, 64)]) as (process, address):
    connections = idle(address, 200)
    check("200 clients connected with 64 descriptors, and each was served", True)
    new_client_is_served(address)
    cpu = lambda: sum(map(int, open(f"/proc/{process.pid}/stat").read().split()[13:15]))
    if has_proc:
        # All descriptors are in use, and more clients wait for one.
        spun = cpu()
        waiting = [socket.create_connection(address, timeout=10) for _ in range(70)]
        new_client_is_served(address)
        spun = (cpu() - spun) / os.sysconf("SC_CLK_TCK")
        check("the accept loop does not spin", spun < 0.5, f"{spun:.2f} s of CPU")
        close(waiting)
    close(connections)

# The stop wakes the accept loop by a connection, for which no descriptor is left.
with server("--log-level", "warn", limits=[(resource.RLIMIT_NOFILE, 64)]) as (process, address):
    connections = idle(address, 200)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    check("the server stops while its descriptors are all in use", process.wait(timeout=20) == 0)
    took = time.monotonic() - began
    check("that takes less than two seconds", took < 2, f"{took:.2f} s")
    close(connections)

# Each thread needs a stack: with so little address space there is no thread for
# every connection.
# The allocator of glibc sets aside 64 MiB for some of its threads: with a limit above that,
# too, something must be left for everything else.
pages = b"GET /docs HTTP/1.1\r\nHost: a\r\n\r\n" * 5
for what, which, mib in [("address space", resource.RLIMIT_AS, 64), ("data", resource.RLIMIT_DATA, 64),
                         ("address space", resource.RLIMIT_AS, 100),
                         ("address space", resource.RLIMIT_AS, 600)]:
    with server("--log-level", "warn", limits=[(which, mib << 20)]) as (process, address):
        connections = []
        statuses = []
        for _ in range(400):
            connection = socket.create_connection(address, timeout=10)
            statuses.append(ask(connection))
            connections.append(connection)
        check(f"400 clients connected with {mib} MiB of {what}, and each got an answer",
              set(statuses) <= {200, 503},
              f"{statuses.count(200)} × 200, {statuses.count(503)} × 503")
        new_client_is_served(address)
        # All of them at once, with answers that wait to be read.
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.setblocking(False)
                connection.send(pages)
        new_client_is_served(address)
        close(connections)

read, write = os.pipe()
with server("--log-level", "info", stderr=write) as (process, address):
    os.close(write)
    with socket.create_connection(address, timeout=10) as connection:
        for _ in range(600):
            connection.sendall(REQUEST * 100)
            answers = b""
            while answers.count(b"HTTP/1.1 200 ") < 100:
                answers += connection.recv(65536) or sys.exit("FAILED  the server closes")
    check("60,000 requests are answered while no program reads the log", True)
    log = b""
    while b"log lines were lost" not in log:
        log += os.read(read, 65536) or sys.exit("FAILED  the log ends")
    check("and then the log says that lines were lost", True)
    os.close(read)
    with socket.create_connection(address, timeout=10) as connection:
        check("requests are answered also when no program can read it any more",
              ask(connection) == 200)
PYTHON
