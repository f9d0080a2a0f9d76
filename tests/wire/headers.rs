//! `field-line = field-name ":" OWS field-value OWS` (RFC 9112 §5).

use super::row::{check, row};

/// A request with one more header than it needs.
fn with(line: impl AsRef<[u8]>) -> Vec<u8> {
    [b"GET /header HTTP/1.1\r\nHost: a\r\n", line.as_ref(), b"\r\n\r\n"].concat()
}

#[test]
fn takes_a_name_a_colon_and_a_value() {
    let taken = |name, line: &[u8], value: &str| {
        row(name).sends(with(line)).gets([200]).with_body(value).see("RFC 9112 §5, RFC 9110 §5.5")
    };
    check([
        taken("a value", b"X: value", "value"),
        taken("a name in lower case", b"x: value", "value"),
        taken("no space before the value", b"X:value", "value"),
        taken("spaces and tabs around the value", b"X: \t value \t ", "value"),
        taken("a tab within the value", b"X: a\tb", "a\tb"),
        taken("spaces within the value", b"X: a  b", "a  b"),
        taken("an empty value", b"X:", ""),
        taken("an empty value after spaces", b"X:   ", ""),
        taken("a colon in the value", b"X: a: b", "a: b"),
        taken("UTF-8 in the value", "X: \u{e9}".as_bytes(), "\u{e9}"),
        taken("bytes that are no UTF-8 are no text", b"X: \xff", "no one value"),
        taken("two values are not one", b"X: 1\r\nX: 2", "no one value"),
        taken("two values that agree are not one", b"X: 1\r\nx: 1", "no one value"),
        taken("every byte that a name may have", b"!#$%&'*+-.^_`|~09AZaz: b\r\nX: a", "a"),
    ]);
}

#[test]
fn refuses_whitespace_around_a_name() {
    let refused =
        |name, line: &str| row(name).sends(with(line)).gets_refused(400, "malformed field line");
    check([
        refused("a space before the colon", "X : 1").see("RFC 9112 §5.1; CVE-2021-22959"),
        refused("a tab before the colon", "X\t: 1").see("RFC 9112 §5.1; CVE-2021-22959"),
        refused("a Content-Length with a space before the colon", "Content-Length : 5")
            .see("RFC 9112 §5.1; CVE-2021-22959"),
        refused("a Transfer-Encoding with a space before the colon", "Transfer-Encoding : chunked")
            .see("RFC 9112 §5.1; CVE-2021-22959"),
        refused("a vertical tab before the colon", "Transfer-Encoding\x0b: chunked")
            .see("RFC 9112 §5.1; CVE-2021-22959"),
        refused("a NUL before the colon", "Transfer-Encoding\0: chunked").see("RFC 9110 §5.1"),
        refused("a space in the name", "Content Length: 5").see("RFC 9110 §5.1"),
        row("a space before the first header's name")
            .sends("GET / HTTP/1.1\r\n Host: a\r\n\r\n")
            .gets_refused(400, "malformed field line")
            .see("RFC 9112 §2.2"),
        row("a tab before the first header's name")
            .sends("GET / HTTP/1.1\r\n\tHost: a\r\n\r\n")
            .gets_refused(400, "malformed field line")
            .see("RFC 9112 §2.2"),
        row("a line that is one space before the headers")
            .sends("GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n")
            .gets_refused(400, "malformed field line")
            .see("RFC 9112 §2.2"),
    ]);
}

#[test]
fn refuses_a_folded_value() {
    let refused = |name, line: &str| {
        row(name)
            .sends(with(line))
            .gets_refused(400, "malformed field line")
            .see("RFC 9112 §5.2; CVE-2021-22959")
    };
    check([
        refused("a value that continues after a space", "X: a\r\n b"),
        refused("a value that continues after a tab", "X: a\r\n\tb"),
        refused("a value that begins on the next line", "X:\r\n a"),
        refused("a coding that begins on the next line", "Transfer-Encoding:\r\n chunked"),
        refused("a length that continues in the next line", "Content-Length: 1\r\n 0"),
        refused("a continuation that is empty", "X: a\r\n "),
        refused("a header that hides in a fold", "X: a\r\n Transfer-Encoding: chunked"),
    ]);
}

#[test]
fn refuses_a_line_without_a_name_or_a_colon() {
    let refused = |name, line: &str| {
        row(name).sends(with(line)).gets_refused(400, "malformed field line").see("RFC 9112 §5")
    };
    check([
        refused("no colon", "X"),
        refused("no name", ": 1"),
        refused("only a colon", ":"),
        refused("a request line among the headers", "GET /smuggled HTTP/1.1"),
    ]);
}

#[test]
fn refuses_bytes_that_a_name_must_not_have() {
    let refused = |name, line: &[u8]| {
        row(name)
            .sends(with(line))
            .gets_refused(400, "malformed field line")
            .see("RFC 9110 §5.1, §5.6.2")
    };
    check([
        refused("a parenthesis", b"X(: 1"),
        refused("a comma", b"X,Y: 1"),
        refused("a semicolon", b"X;Y: 1"),
        refused("a quote", b"\"X\": 1"),
        refused("a slash", b"X/Y: 1"),
        refused("a bracket", b"X[]: 1"),
        refused("an at sign", b"X@Y: 1"),
        refused("an equals sign", b"X=1: 1"),
        refused("a control character", b"X\x01: 1"),
        refused("a DEL", b"X\x7f: 1"),
        refused("a byte past ASCII", b"X\xc3\xa9: 1"),
        refused("a letter that lower-cases to ASCII k, the Kelvin sign", "\u{212a}: 1".as_bytes()),
    ]);
}

#[test]
fn refuses_control_characters_in_a_value() {
    let refused = |name, line: &[u8]| {
        row(name).sends(with(line)).gets_refused(400, "malformed field line").see("RFC 9110 §5.5")
    };
    check([
        refused("a NUL", b"X: a\0b"),
        refused("a NUL at the end", b"X: a\0"),
        refused("a start of heading", b"X: \x01"),
        refused("a backspace", b"X: a\x08"),
        refused("a vertical tab", b"X: a\x0bb"),
        refused("a form feed", b"X: a\x0cb"),
        refused("an escape sequence", b"X: \x1b[2J"),
        refused("a unit separator", b"X: \x1f"),
        refused("a DEL", b"X: a\x7f"),
    ]);
}

#[test]
fn refuses_line_ends_that_are_not_crlf() {
    let refused = |name, line: &str| {
        row(name)
            .sends(with(line))
            .gets_refused(400, "a bare CR or LF in the head")
            .see("RFC 9112 §2.2")
    };
    check([
        refused("a bare LF after a header", "X: 1\nY: 2"),
        refused("a bare CR within a value", "X: 1\rY: 2"),
        refused("a CR before the CRLF", "X: 1\r"),
        refused("a CR in a name", "X\rY: 1"),
        refused("an LF in a name", "X\nY: 1"),
        refused("a header that a bare LF hides", "X: 1\nTransfer-Encoding: chunked"),
        refused("a header that a bare CR hides", "X: 1\rTransfer-Encoding: chunked"),
        row("a head that ends in two bare LF")
            .sends("GET / HTTP/1.1\r\nHost: a\n\n")
            .gets_refused(400, "a bare CR or LF in the head")
            .see("RFC 9112 §2.2"),
        row("a head whose last line is a bare LF")
            .sends("GET / HTTP/1.1\r\nHost: a\r\n\n")
            .gets_refused(400, "a bare CR or LF in the head")
            .see("RFC 9112 §2.2"),
        row("a head whose last line has two CR")
            .sends("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n")
            .gets_refused(400, "a bare CR or LF in the head")
            .see("RFC 9112 §2.2"),
    ]);
}

#[test]
fn a_name_that_resembles_another_has_no_meaning() {
    check([
        row("an underscore instead of the hyphen")
            .sends("POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\n\r\n")
            .gets([200])
            .with_body("")
            .see("RFC 9110 §5.1"),
        row("a name that begins like Transfer-Encoding")
            .sends("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding-X: chunked\r\n\r\n")
            .gets([200])
            .with_body("")
            .see("RFC 9110 §5.1"),
        row("a name that ends like Host")
            .sends("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Host: b\r\n\r\n")
            .gets([200])
            .see("RFC 9110 §5.1"),
    ]);
}
