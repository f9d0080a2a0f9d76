"""Compares guardhouse with h11, an independent parser of HTTP/1.1.

Strategy: random requests from a seed go to the echo program, several on each
connection. Some are valid, and most have a few mistakes. h11 then reads each
request that guardhouse accepts: it must accept it too, and see the same method,
target, headers and body, and the same first byte of the next request. What
guardhouse refuses is not compared, because guardhouse is stricter on purpose.
But it must not refuse a valid request.

    python3 differential.py HOST PORT [SEED [CONNECTIONS]]
"""

import ast
import random
import re
import socket
import sys
from collections import Counter

import h11

# Where h11 refuses or changes what guardhouse accepts, and why guardhouse is
# right. Every other difference is a failure.
KNOWN = {
    "blank line in front": (
        "h11 refuses a CRLF before the request line; a server SHOULD ignore at least one"
        " (RFC 9112 §2.2)"
    ),
    "whitespace before a chunk extension": (
        "h11 refuses `5 ;a`; BWS is allowed there, and has to be parsed (RFC 9112 §7.1.1)"
    ),
    "framing header in a trailer": (
        "h11 reads Content-Length and Transfer-Encoding even there; guardhouse drops"
        " trailers, so that they have no meaning (RFC 9110 §6.5.1)"
    ),
    "Content-Length past 20 digits": (
        "h11 refuses more digits than a 64-bit number has, leading zeros included;"
        " the grammar is 1*DIGIT (RFC 9110 §8.6)"
    ),
    "Transfer-Encoding in lower case": (
        "h11 changes the value to lower case; guardhouse gives the handler the bytes as sent"
    ),
    "keep-alive in HTTP/1.0": (
        "h11 closes such a connection; with the keep-alive option it may stay open (RFC 9112 §9.3)"
    ),
}

# Bytes that a random request most likely breaks at.
ODD = [
    b"\r\n", b"\n", b"\r", b" ", b"\t", b"\0", b"\x0b", b"\x0c", b"\x7f", b"\x80", b"\xff",
    b":", b";", b",", b"=", b'"', b"\\", b"0", b"1", b"5", b"a", b"%", b"#", b"?", b"/", b"*",
    b"+", b"-", b"_", b"0x", b"\r\n ", b" :", b"chunked", b"close", b"\r\n\r\n",
    b";a=b", b" ;a",
]
LINES = [
    b"Content-Length: 5", b"Content-Length: 0", b"Content-Length: +5", b"Content-Length:",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", b"Transfer-Encoding : chunked",
    b"Host: b", b"Host:", b" folded", b"Expect: 100-continue", b"Connection: close", b"X: \x0b",
    b"GET /echo HTTP/1.1", b"0", b"5;a", b"",
]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def connection(self):
        """Some requests, one after the other, and how many mistakes they have."""
        data = b"".join(self.request() for _ in range(self.random.randint(1, 3)))
        mutations = self.random.choice([0, 0, 1, 1, 1, 2, 3])
        for _ in range(mutations):
            data = self.mutated(data)
        return data, mutations

    def request(self):
        pick, chance = self.random.choice, self.random.random
        others = [b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"HEAD"]
        method = pick([b"GET"] * 4 + [b"POST"] * 6 + others)
        absolute = [b"http://a/echo", b"HTTP://A:80/echo"]
        path = pick([b"/echo", b"/echo", b"/%65cho", b"/ech%6F"] + absolute)
        if method == b"POST" and chance() < 0.5:
            path = b"/"
        if chance() < 0.3:
            path += b"?" + self.text(b"abc=&/?%2Fx'()[]{}|\\^`\"<>~!$*+,;:@", 12)
        version = b"HTTP/1.1" if chance() < 0.8 else b"HTTP/1.0"
        headers = [(self.cased(b"Host"), pick([b"a", b"a", b"a:80", b"A", b"a:"]))]
        for _ in range(pick([0, 1, 2, 5])):
            headers.append((self.name(), self.value()))
        if chance() < 0.15:
            option = pick([b"keep-alive", b"close", b"Keep-Alive, x", b"x, close", b"upgrade"])
            headers.append((self.cased(b"Connection"), option))
        if chance() < 0.1:
            headers.append((self.cased(b"Expect"), pick([b"100-continue", b"100-Continue"])))
        if chance() < 0.05:
            headers.append((b"Upgrade", b"h2c"))
        body = self.text(bytes(range(256)), 40) if chance() < 0.7 else b""
        if version == b"HTTP/1.1" and chance() < 0.5:
            headers.append((self.cased(b"Transfer-Encoding"), self.cased(b"chunked")))
            framed = self.chunks(body)
        elif body or chance() < 0.5:
            zeros = b"0" * pick([0, 0, 0, 1, 5, 25])
            headers.append((self.cased(b"Content-Length"), zeros + b"%d" % len(body)))
            framed = body
        else:
            framed = b""
        self.random.shuffle(headers)
        lines = [b"%s %s %s" % (method, path, version)]
        for name, value in headers:
            lines.append(name + b":" + self.blank() + value + self.blank())
        blank_line = b"\r\n" if chance() < 0.05 else b""
        return blank_line + b"\r\n".join(lines) + b"\r\n\r\n" + framed

    def chunks(self, body):
        pick, data = self.random.choice, b""
        while body:
            size = self.random.randint(1, len(body))
            form = pick([b"%x", b"%X", b"0%x", b"000%X"])
            data += form % size + self.extension() + b"\r\n" + body[:size] + b"\r\n"
            body = body[size:]
        data += pick([b"0", b"0", b"000"]) + self.extension() + b"\r\n"
        for _ in range(pick([0, 0, 0, 1, 2])):
            data += self.name() + b":" + self.blank() + self.value() + self.blank() + b"\r\n"
        return data + b"\r\n"

    def extension(self):
        return self.random.choice([b""] * 8 + [b";a", b";a=b", b';a="b;\\"c"', b"; a = b", b" ;a"])

    def name(self):
        return self.text(b"abcXYZ019-_.!#$%&'*+^`|~", 8, least=1)

    def value(self):
        return self.text(b"abc XYZ\t019,;:=\"'()<>@/?\\[]{}\x80\xe9\xff", 20).strip(b" \t")

    def blank(self):
        return self.random.choice([b"", b" ", b" ", b"\t", b"  \t "])

    def cased(self, name):
        return self.random.choice([name, name, name.lower(), name.upper(), name.swapcase()])

    def text(self, alphabet, most, least=0):
        count = self.random.randint(least, most)
        return bytes(self.random.choice(alphabet) for _ in range(count))

    def mutated(self, data):
        if self.random.random() < 0.3:
            at = self.random.choice([match.end() for match in re.finditer(b"\r\n|$", data)])
            return data[:at] + self.random.choice(LINES) + b"\r\n" + data[at:]
        # Most bytes are in bodies; separators and line ends matter more.
        ends = [match.start() for match in re.finditer(rb"[\r\n: ;]", data)]
        at = self.random.choice(ends) if ends and self.random.random() < 0.6 else None
        at = self.random.randrange(len(data) + 1) if at is None else at
        odd, length = self.random.choice(ODD), self.random.randint(1, 3)
        return self.random.choice([
            data[:at] + odd + data[at:],
            data[:at] + odd + data[at + length:],
            data[:at] + data[at + length:],
            data[:at] + data[max(0, at - 10 * length):],
        ])


def answers_to(address, data):
    """Everything that guardhouse answers."""
    with socket.create_connection(address, timeout=10) as client:
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # It may have closed already.
        received = b""
        while piece := client.recv(65536):
            received += piece
    return received


class Answer:
    """The first answer in some bytes, and the bytes after it."""

    def __init__(self, data, to_head):
        head, end, rest = data.partition(b"\r\n\r\n")
        assert end, f"a head without an end: {data!r}"
        status, *lines = head.split(b"\r\n")
        match = re.fullmatch(rb"HTTP/1\.1 ([1-5]\d\d) [A-Za-z ]+", status)
        assert match, f"no status line: {status!r}"
        self.status = int(match[1])
        self.headers = dict(line.split(b": ", 1) for line in lines)
        assert len(self.headers) == len(lines), f"a header twice: {head!r}"
        length = int(self.headers.get(b"Content-Length", b"0"))
        length = 0 if to_head else length
        assert len(rest) >= length, f"an answer cut short: {data!r}"
        self.body, self.rest = rest[:length], rest[length:]

    @property
    def closes(self):
        return self.headers.get(b"Connection") == b"close"


class Seen:
    """The first request in some bytes, as h11 sees it."""

    def __init__(self, data):
        self.request, self.body, self.whole, self.refused = None, b"", False, None
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        connection.receive_data(data)
        connection.receive_data(b"")
        try:
            while not self.whole:
                event = connection.next_event()
                if isinstance(event, h11.Request):
                    self.request = event
                elif isinstance(event, h11.Data):
                    self.body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    self.whole = True
                else:
                    break
        except h11.RemoteProtocolError as error:
            self.refused = str(error)
        self.stays_open = connection.their_state is not h11.MUST_CLOSE
        self.rest = connection.trailing_data[0]


class Comparison:
    def __init__(self):
        self.count, self.known = Counter(), Counter()

    def connection(self, data, mutations, received):
        """Compares each request with its answer, in order."""
        assert received or not data.strip(b"\r\n"), "no answer"
        while received:
            data, seen = self.seen_by_h11(data)
            to_head = self.is_to_head(data, received)
            answer = Answer(received, to_head)
            if answer.status == 100:
                answer = Answer(answer.rest, to_head)
                self.count["asked to continue"] += 1
            received = answer.rest
            # 501 is for an unknown method, or ends the connection.
            accepted = answer.status in (200, 204, 404, 405)
            if not accepted and (answer.status, answer.closes) != (501, False):
                assert answer.status in (400, 413, 417, 431, 501, 505), f"{answer.status}?"
                assert answer.closes and not received, f"{answer.status} and more: {received!r}"
                assert mutations, f"a valid request gets {answer.status}"
                self.count["refused by guardhouse"] += 1
                if seen.whole and not seen.refused:
                    self.count["… and accepted by h11"] += 1
                return
            self.request(seen, answer)
            if answer.closes or not received:
                assert not received, f"after Connection: close: {received!r}"
                # A request with mistakes may end the connection; a valid one may not.
                ended = answer.closes or mutations or not seen.rest
                assert ended, f"no answer to {seen.rest!r}"
                return
            assert seen.whole, f"guardhouse sees an end where h11 sees none: {seen.refused}"
            if not seen.stays_open:
                assert answer.headers.get(b"Connection") == b"keep-alive", "h11 would close"
                self.known["keep-alive in HTTP/1.0"] += 1
            data = seen.rest

    def is_to_head(self, data, received):
        """Whether the request is HEAD, so that its answer has no body (RFC 9110 §9.3.2)."""
        if re.match(rb"HEAD [!-~]+ HTTP/1\.[01]\r\n", data):
            return True
        # A broken request line: the answer shows whether it was read as HEAD.
        return data.startswith(b"HEAD ") and received.endswith(b"\r\n\r\n")

    def seen_by_h11(self, data):
        """The bytes without the known differences in the first request, and how h11
        sees that request then. So the rest of it is still compared."""
        while data.startswith(b"\r\n"):
            self.known["blank line in front"] += 1
            data = data[2:]
        while True:
            seen = Seen(data)
            refused = seen.refused or ""
            line = re.search(r"illegal chunk header: bytearray\((b.+)\)$", refused, re.DOTALL)
            if line:
                line = ast.literal_eval(line[1])
                simpler = data.replace(line, re.sub(rb"^(\w+)[ \t]+;", rb"\1;", line), 1)
                what = "whitespace before a chunk extension"
            elif seen.request and re.search("Content-Length|Transfer-Encoding", refused):
                head, end, body = data.partition(b"\r\n\r\n")
                framing = rb"(?i)\r\n(content-length|transfer-encoding):"
                simpler = head + end + re.sub(framing, b"\r\nx:", body, count=1)
                what = "framing header in a trailer"
            elif "bad Content-Length" in refused:
                zeros = rb"(?i)(\ncontent-length:[ \t]*)0{5,}(?=[0-9])"
                simpler = re.sub(zeros, rb"\1", data, count=1)
                what = "Content-Length past 20 digits"
            else:
                return data, seen
            if simpler == data:
                return data, seen
            self.known[what] += 1
            data = simpler

    def request(self, seen, answer):
        """A request that guardhouse accepted."""
        assert seen.request, f"h11 refuses: {seen.refused}"
        self.count["accepted by both"] += 1
        request = seen.request
        if answer.status == 200 and b"Echo-Method" in answer.headers:
            assert answer.headers[b"Echo-Method"] == request.method, "another method"
            target = normal(request.target)
            assert answer.headers[b"Echo-Target"] == target, f"another target: {target!r}"
            if request.method != b"HEAD":
                self.headers(request, answer)
        elif answer.status == 200 and request.method == b"POST":
            assert seen.whole, f"h11 refuses the body: {seen.refused}"
            assert answer.body == seen.body, f"h11 has another body: {seen.body!r}"
            self.count["bodies compared"] += 1

    def headers(self, request, answer):
        lines = [line.split(b": ", 1) for line in answer.body.split(b"\n")[:-1]]
        ours = [(name.lower(), value) for name, value in lines]
        theirs = list(request.headers)
        lowered = [(n, v.lower() if n == b"transfer-encoding" else v) for n, v in ours]
        self.known["Transfer-Encoding in lower case"] += lowered != ours
        # Leading zeros that h11 refuses are taken out for it.
        lengths = [
            [(n, v.lstrip(b"0") if n == b"content-length" else v) for n, v in headers]
            for headers in (lowered, theirs)
        ]
        assert lengths[0] == lengths[1], f"other headers: guardhouse {ours!r}, h11 {theirs!r}"
        self.count["lists of headers compared"] += 1


def normal(target):
    """A target as guardhouse gives it to a handler: without the authority, and with
    the unreserved bytes of the path decoded (RFC 3986 §6.2.2.2)."""
    target = re.sub(rb"(?i)^http://[^/?]*", b"", target)
    path, mark, query = target.partition(b"?")

    def decoded(match):
        byte = bytes([int(match[1], 16)])
        return byte if re.fullmatch(rb"[A-Za-z0-9._~-]", byte) else match[0]

    return re.sub(rb"%([0-9A-Fa-f]{2})", decoded, path or b"/") + mark + query


def main():
    address = (sys.argv[1], int(sys.argv[2]))
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    connections = int(sys.argv[4]) if len(sys.argv) > 4 else 6000
    generator, comparison, failures = Generator(seed), Comparison(), 0
    for _ in range(connections):
        data, mutations = generator.connection()
        received = answers_to(address, data)
        try:
            comparison.connection(data, mutations, received)
        except AssertionError as difference:
            failures += 1
            if failures <= 10:
                print(f"DIFFERENCE: {difference}\n  sent     {data!r}\n  received {received!r}")
    print(f"{connections} connections with seed {seed}, h11 {h11.__version__}")
    for what, count in comparison.count.items():
        print(f"{count:7}  {what}")
    print("known differences:")
    for what, reason in KNOWN.items():
        print(f"{comparison.known[what]:7}  {what}: {reason}")
    print(f"{failures:7}  unknown ones")
    # If guardhouse accepted or refused few requests, the comparison says little.
    enough = all(
        comparison.count[what] > connections // 10
        for what in ("accepted by both", "refused by guardhouse", "lists of headers compared")
    )
    if failures or not enough:
        sys.exit("FAILED: guardhouse and h11 differ" if failures else "FAILED: too little compared")


if __name__ == "__main__":
    main()
