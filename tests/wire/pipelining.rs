//! Requests that do not wait for the answer to the one before (RFC 9112
//! §9.3.2). The server answers them in order, until one ends the connection.

use super::row::{check, row};
use crate::support::LARGE;

#[test]
fn answers_in_order() {
    check([
        row("two requests")
            .sends(
                "GET / HTTP/1.1\r\nHost: a\r\n\r\n\
                 GET /next HTTP/1.1\r\nHost: a\r\n\r\n",
            )
            .gets([200, 200])
            .with_body("next\n")
            .see("RFC 9112 §9.3.2"),
        row("requests of every kind")
            .sends(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
                 GET /nope HTTP/1.1\r\nHost: a\r\n\r\n\
                 HEAD / HTTP/1.1\r\nHost: a\r\n\r\n\
                 OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n\
                 POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                 5;a=b\r\nhello\r\n0\r\nX: 1\r\n\r\n\
                 PUT / HTTP/1.1\r\nHost: a\r\n\r\n\
                 GET /protected HTTP/1.1\r\nHost: a\r\n\r\n\
                 BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
            )
            .gets([200, 404, 200, 204, 200, 405, 401, 501])
            .where_head_is([2])
            .see("RFC 9112 §9.3.2"),
        row("requests after a body that no handler reads")
            .sends(
                "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
                 POST /unread HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                 5\r\nhello\r\n0\r\n\r\n\
                 GET /next HTTP/1.1\r\nHost: a\r\n\r\n",
            )
            .gets([200, 200, 200])
            .with_body("next\n")
            .see("RFC 9112 §9.3"),
        row("an answer that is larger than the buffer for answers, among small ones")
            .sends(
                "GET / HTTP/1.1\r\nHost: a\r\n\r\n\
                 GET /large HTTP/1.1\r\nHost: a\r\n\r\n\
                 GET / HTTP/1.1\r\nHost: a\r\n\r\n\
                 GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
            )
            .gets([200, 200, 200, 200])
            .with_body(vec![b'x'; LARGE])
            .see("RFC 9112 §9.3.2"),
        row("more answers than the buffer for answers holds")
            .sends("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(600))
            .gets([200; 600])
            .see("RFC 9112 §9.3.2"),
    ]);
}

#[test]
fn bytes_behind_a_bad_request_are_no_request() {
    let after = |name, bad: &str, status| {
        row(name)
            .sends(format!(
                "GET / HTTP/1.1\r\nHost: a\r\n\r\n{bad}\
                 GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
            ))
            .gets([200, status])
            .and_closes()
            .see("RFC 9112 §9.3.2; CVE-2024-49768")
    };
    check([
        after("no Host", "GET / HTTP/1.1\r\n\r\n", 400),
        after("a malformed request line", "GET /\r\nHost: a\r\n\r\n", 400),
        after("a malformed header", "GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n", 400),
        after("a bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400),
        after(
            "two lengths",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
            400,
        ),
        after(
            "a body that is too large",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n",
            413,
        ),
        after(
            "an unknown coding",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n",
            501,
        ),
        after(
            "a malformed chunk",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            400,
        ),
        after("an unknown version", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
        after("an unknown expectation", "GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", 417),
        after("a tunnel", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501),
        after("a panic", "GET /panic HTTP/1.1\r\nHost: a\r\n\r\n", 500),
        after("Connection: close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200),
        after("HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 200),
    ]);
}

#[test]
fn an_error_of_a_well_formed_request_does_not_end_the_connection() {
    check([row("not found, not allowed, not implemented, unauthorized, and a bad answer")
        .sends(
            "GET /nope HTTP/1.1\r\nHost: a\r\n\r\n\
                 PUT / HTTP/1.1\r\nHost: a\r\n\r\n\
                 BREW / HTTP/1.1\r\nHost: a\r\n\r\n\
                 GET /protected HTTP/1.1\r\nHost: a\r\n\r\n\
                 GET /split HTTP/1.1\r\nHost: a\r\n\r\n",
        )
        .gets([404, 405, 501, 401, 500])
        .see("RFC 9112 §9.3")]);
}
