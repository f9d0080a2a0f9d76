//! The trailer section: the server checks trailers as it checks headers, and
//! drops them (RFC 9112 §7.1.2, RFC 9110 §6.5).

use super::chunks::chunked;
use super::row::{check, row};

#[test]
fn well_formed_trailers_are_dropped() {
    let dropped = |name, trailers: &str| {
        row(name)
            .sends(chunked(&format!("5\r\nhello\r\n0\r\n{trailers}\r\n")))
            .gets([200])
            .with_body("hello")
            .see("RFC 9112 §7.1.2")
    };
    check([
        dropped("one trailer", "X: 1\r\n"),
        dropped("two trailers", "X: 1\r\nY: 2\r\n"),
        dropped("an empty value", "X:\r\n"),
        dropped("UTF-8 in a value", "X: \u{e9}\r\n"),
        dropped("a tab within a value", "X: a\tb\r\n"),
    ]);
}

#[test]
fn trailers_never_become_headers() {
    let dropped = |name, trailer: &str| {
        row(name)
            .sends(chunked(&format!("5\r\nhello\r\n0\r\n{trailer}\r\n\r\n")))
            .gets([200])
            .with_body("hello")
            .see("RFC 9110 §6.5.1")
    };
    check([
        dropped("a length", "Content-Length: 5"),
        dropped("a coding", "Transfer-Encoding: chunked"),
        dropped("a second Host", "Host: b"),
        dropped("Connection: close", "Connection: close"),
        dropped("an expectation", "Expect: 100-continue"),
        row("credentials, which come too late")
            .sends(
                "POST /protected HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                 5\r\nhello\r\n0\r\nAuthorization: Bearer letmein\r\n\r\n",
            )
            .gets([401])
            .with_detail("Not authenticated")
            .and_closes()
            .see("RFC 9110 §6.5.1"),
    ]);
}

#[test]
fn refuses_malformed_trailers() {
    let refused = |name, trailers: &str| {
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
        row(name)
            .sends(chunked(&format!("5\r\nhello\r\n0\r\n{trailers}{smuggled}")))
            .gets_refused(400, "malformed trailer section")
            .see("RFC 9112 §7.1.2, §5")
    };
    check([
        refused("no colon", "X\r\n\r\n"),
        refused("no name", ": 1\r\n\r\n"),
        refused("a space before the colon", "X : 1\r\n\r\n"),
        refused("a space first", " X: 1\r\n\r\n"),
        refused("a folded value", "X: 1\r\n 2\r\n\r\n"),
        refused("a NUL", "X: \0\r\n\r\n"),
        refused("a DEL", "X: \x7f\r\n\r\n"),
        refused("a bare CR in a value", "X: 1\r2\r\n\r\n"),
        refused("a bare LF after a trailer", "X: 1\n\r\n"),
        refused("a bare LF for the last CRLF", "\n"),
        refused("a bare CR for the last CRLF", "\r"),
        refused("two CR before the last LF", "\r\r\n"),
        refused("no trailer section: the next request stands in its place", ""),
    ]);
}
