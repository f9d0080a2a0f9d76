//! The answers to a handler's mistakes, and where answers end.

use super::row::{check, row};
use crate::support::LARGE;

#[test]
fn no_handler_can_split_an_answer() {
    check([
        row("a header's value with CR LF and another header")
            .sends("GET /split HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([500])
            .with_detail("Internal Server Error")
            .see("RFC 9110 §5.5; RUSTSEC-2017-0002"),
        row("the same to HEAD")
            .sends("HEAD /split HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([500])
            .where_head_is([0])
            .see("RFC 9110 §5.5; RUSTSEC-2017-0002"),
        row("the same in HTTP/1.0")
            .sends("GET /split HTTP/1.0\r\n\r\n")
            .gets([500])
            .and_closes()
            .see("RFC 9110 §5.5; RUSTSEC-2017-0002"),
    ]);
}

#[test]
fn a_panic_gets_500_and_ends_its_connection() {
    check([
        row("a handler that panics")
            .sends("GET /panic HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets_refused(500, "Internal Server Error")
            .see("RFC 9110 §15.6.1"),
        row("a handler that panics, with a body after the head")
            .sends("GET /panic HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
            .gets_refused(500, "Internal Server Error")
            .see("RFC 9110 §15.6.1"),
        row("the next connection")
            .sends("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([200])
            .see("RFC 9110 §15.6.1"),
    ]);
}

#[test]
fn an_answer_says_how_long_its_body_is() {
    check([
        row("a body that is larger than the buffer for answers")
            .sends("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([200])
            .with_header("Content-Length", "100000")
            .with_body(vec![b'x'; LARGE])
            .see("RFC 9112 §6.3"),
        row("the same in HTTP/1.0")
            .sends("GET /large HTTP/1.0\r\n\r\n")
            .gets([200])
            .with_body(vec![b'x'; LARGE])
            .and_closes()
            .see("RFC 9112 §6.3"),
        row("no body")
            .sends("POST / HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([200])
            .with_header("Content-Length", "0")
            .see("RFC 9110 §8.6"),
        row("Accept and TE, which change nothing")
            .sends("GET /nope HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nTE: trailers\r\n\r\n")
            .gets([404])
            .with_header("Content-Type", "application/json")
            .see("RFC 9110 §12.5.1"),
    ]);
}
