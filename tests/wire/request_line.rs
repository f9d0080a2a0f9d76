//! `request-line = method SP request-target SP HTTP-version CRLF` (RFC 9112 §3).

use super::row::{check, row};

#[test]
fn accepts_three_parts_and_crlf() {
    check([
        row("a method, a target and a version")
            .sends("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([200])
            .with_body("home\n")
            .see("RFC 9112 §3"),
        row("no header except Host")
            .sends("GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([200])
            .with_body("next\n")
            .see("RFC 9112 §2.1"),
    ]);
}

#[test]
fn skips_a_few_blank_lines() {
    check([
        row("one blank line first")
            .sends("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([200])
            .see("RFC 9112 §2.2"),
        row("four blank lines first")
            .sends("\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([200])
            .see("RFC 9112 §2.2"),
        row("five blank lines first")
            .sends("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets_refused(400, "too many blank lines before the request line")
            .see("RFC 9112 §2.2"),
        row("a blank line after a form's body, as old browsers send it")
            .sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\r\n")
            .gets([200])
            .with_body("hello")
            .see("RFC 9112 §2.2"),
        row("four blank lines before each of two requests")
            .sends(
                "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\
                 \r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            )
            .gets([200, 200])
            .see("RFC 9112 §2.2"),
        row("a blank line that is a bare LF")
            .sends("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets_refused(400, "a bare CR or LF in the head")
            .see("RFC 9112 §2.2"),
        row("a blank line that is a bare CR")
            .sends("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets_refused(400, "a bare CR or LF in the head")
            .see("RFC 9112 §2.2"),
        row("a first line of one space")
            .sends(" \r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets_refused(400, "malformed request line")
            .see("RFC 9112 §2.2"),
    ]);
}

#[test]
fn refuses_a_line_that_does_not_end_in_crlf() {
    let refused = |name, line| {
        row(name)
            .sends(format!("{line}Host: a\r\n\r\n"))
            .gets_refused(400, "a bare CR or LF in the head")
            .see("RFC 9112 §2.2")
    };
    check([
        refused("a bare LF", "GET / HTTP/1.1\n"),
        refused("a bare CR", "GET / HTTP/1.1\r"),
        refused("two CR before the LF", "GET / HTTP/1.1\r\r\n"),
        refused("LF before CR", "GET / HTTP/1.1\n\r"),
        refused("a CR within the target", "GET /\rsmuggled HTTP/1.1\r\n"),
        refused("an LF within the target", "GET /\nsmuggled HTTP/1.1\r\n"),
        refused("a CR within the method", "GE\rT / HTTP/1.1\r\n"),
        row("bare CR everywhere: the server does not wait for an LF")
            .sends("GET / HTTP/1.1\rHost: a\r\r")
            .gets_refused(400, "a bare CR or LF in the head")
            .see("RFC 9112 §2.2"),
    ]);
}

#[test]
fn refuses_parts_that_are_not_separated_by_one_space() {
    let refused = |name, line, detail| {
        row(name)
            .sends(format!("{line}\r\nHost: a\r\n\r\n"))
            .gets_refused(400, detail)
            .see("RFC 9112 §3")
    };
    check([
        refused("a space first", " GET / HTTP/1.1", "malformed request line"),
        refused("two spaces before the target", "GET  / HTTP/1.1", "malformed request line"),
        refused("two spaces after the target", "GET /  HTTP/1.1", "malformed request line"),
        refused("a tab before the target", "GET\t/ HTTP/1.1", "malformed request line"),
        refused("a tab after the target", "GET /\tHTTP/1.1", "malformed request line"),
        refused("a vertical tab before the target", "GET\x0b/ HTTP/1.1", "malformed request line"),
        refused("a form feed after the target", "GET /\x0cHTTP/1.1", "malformed request line"),
        refused("a space in the target", "GET /a b HTTP/1.1", "malformed request line"),
        refused(
            "a target that looks like two lines",
            "GET / HTTP/1.1 HTTP/1.1",
            "malformed request line",
        ),
        refused("a space after the version", "GET / HTTP/1.1 ", "malformed request line"),
        refused("a tab after the version", "GET / HTTP/1.1\t", "malformed HTTP version"),
    ]);
}

#[test]
fn refuses_a_line_with_too_few_parts() {
    let refused = |name, bytes: &str, detail| {
        row(name).sends(bytes).gets_refused(400, detail).see("RFC 9112 §3")
    };
    check([
        refused("only a method", "GET\r\n\r\n", "malformed request line"),
        refused("no version, as in HTTP/0.9", "GET /\r\n\r\n", "malformed request line"),
        refused("no version, and a space for it", "GET / \r\n\r\n", "malformed HTTP version"),
        refused("no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", "malformed request line"),
        refused("no method", "/ HTTP/1.1\r\nHost: a\r\n\r\n", "malformed request line"),
        refused("an empty method", " / HTTP/1.1\r\nHost: a\r\n\r\n", "malformed request line"),
        refused("a header where the line should be", "Host: a\r\n\r\n", "malformed request line"),
        refused(
            "another protocol's greeting",
            "EHLO example.org\r\n\r\n",
            "malformed request line",
        ),
        refused("a status line", "HTTP/1.1 200 OK\r\n\r\n", "malformed request line"),
    ]);
}

#[test]
fn refuses_bytes_that_a_method_must_not_have() {
    let refused = |name, method: &[u8]| {
        row(name)
            .sends([method, b" / HTTP/1.1\r\nHost: a\r\n\r\n"].concat())
            .gets_refused(400, "malformed request line")
            .see("RFC 9110 §9.1, §5.6.2")
    };
    check([
        refused("a NUL", b"GE\0T"),
        refused("a control character", b"GE\x01T"),
        refused("a DEL", b"GET\x7f"),
        refused("a parenthesis", b"GE(T"),
        refused("a colon", b"GET:"),
        refused("a quote", b"\"GET\""),
        refused("a slash", b"GET/"),
        refused("a byte past ASCII", b"G\xc3\x89T"),
        refused("a byte order mark", b"\xef\xbb\xbfGET"),
    ]);
}

#[test]
fn refuses_the_first_bytes_of_other_protocols() {
    check([
        row("HTTP/2's preface")
            .sends("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .gets_refused(505, "unsupported HTTP version")
            .see("RFC 9113 §3.4"),
        row("the beginning of a TLS handshake")
            .sends(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n")
            .gets_refused(400, "malformed request line")
            .see("RFC 9112 §3"),
        row("a proxy's PROXY line")
            .sends("PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets_refused(400, "malformed request line")
            .see("RFC 9112 §3"),
    ]);
}
