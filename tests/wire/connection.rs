//! When a connection stays open and when it closes (RFC 9112 §9).

use std::time::Duration;

use guardhouse::Limits;

use super::row::{Row, check, check_with, row};
use crate::support::patient_limits;

#[test]
fn http_1_1_stays_open_until_the_client_says_close() {
    let asks = |name, headers: &str| {
        row(name)
            .sends(format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n"))
            .gets([200])
            .see("RFC 9112 §9.3, §9.6")
    };
    check([
        asks("no Connection header", ""),
        asks("keep-alive, which is the default", "Connection: keep-alive\r\n"),
        asks("an empty header", "Connection:\r\n"),
        asks("an unknown option", "Connection: x\r\n"),
        asks("an option that begins like close", "Connection: closed\r\n"),
        asks("an option that ends like close", "Connection: not-close\r\n"),
        asks("Proxy-Connection, which is for proxies", "Proxy-Connection: close\r\n"),
        asks("close", "Connection: close\r\n").and_closes(),
        asks("close in capitals", "Connection: CLOSE\r\n").and_closes(),
        asks("close in a list", "Connection: x, close\r\n").and_closes(),
        asks("close in a list without spaces", "Connection: x,close,y\r\n").and_closes(),
        asks("close in a second header", "Connection: x\r\nConnection: close\r\n").and_closes(),
        asks("close before keep-alive", "Connection: close, keep-alive\r\n").and_closes(),
        asks("close after keep-alive", "Connection: keep-alive, close\r\n").and_closes(),
    ]);
}

#[test]
fn http_1_0_closes_unless_the_client_says_keep_alive() {
    let asks = |name, headers: &str| {
        row(name).sends(format!("GET / HTTP/1.0\r\n{headers}\r\n")).gets([200]).see("RFC 9112 §9.3")
    };
    check([
        asks("no Connection header", "").and_closes(),
        asks("close", "Connection: close\r\n").and_closes(),
        asks("keep-alive, which the answer confirms", "Connection: keep-alive\r\n")
            .with_header("Connection", "keep-alive"),
        asks("keep-alive in capitals", "Connection: Keep-Alive\r\n")
            .with_header("Connection", "keep-alive"),
        asks("keep-alive in a list", "Connection: x, keep-alive\r\n")
            .with_header("Connection", "keep-alive"),
        asks("keep-alive and close", "Connection: keep-alive, close\r\n").and_closes(),
        asks("only a Keep-Alive header", "Keep-Alive: timeout=5\r\n").and_closes(),
        row("keep-alive with a body")
            .sends("POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello")
            .gets([200])
            .with_body("hello")
            .with_header("Connection", "keep-alive")
            .see("RFC 9112 §9.3"),
    ]);
}

/// Otherwise a client may send a request at the moment in which the server closes the
/// idle connection, and lose it.
#[test]
fn a_client_that_says_keep_alive_is_told_the_timeout() {
    let limits = Limits { idle_timeout: Duration::from_secs(75), ..patient_limits() };
    let asks = |name, version: &str, headers: &str| {
        row(name)
            .sends(format!("GET / {version}\r\nHost: a\r\n{headers}\r\n"))
            .gets([200])
            .see("RFC 2068 §19.7.1.1")
    };
    let is_told = |row: Row| {
        row.with_header("Connection", "keep-alive").with_header("Keep-Alive", "timeout=74")
    };
    let keep_alive = "Connection: keep-alive\r\n";
    check_with(
        limits,
        [
            is_told(asks("in HTTP/1.1", "HTTP/1.1", keep_alive)),
            is_told(asks("in HTTP/1.0", "HTTP/1.0", keep_alive)),
            is_told(asks("in a list", "HTTP/1.1", "Connection: te, Keep-Alive\r\n")),
            asks("not with close", "HTTP/1.1", "Connection: keep-alive, close\r\n")
                .without_header("Keep-Alive")
                .and_closes(),
            asks("not without the option", "HTTP/1.1", "Keep-Alive: timeout=5\r\n")
                .without_header("Keep-Alive"),
            asks("not if nothing is said", "HTTP/1.1", "").without_header("Connection"),
        ],
    );
}

#[test]
fn upgrades_are_ignored() {
    check([
        row("an upgrade to WebSocket")
            .sends(
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
            )
            .gets([200])
            .with_body("home\n")
            .see("RFC 9110 §7.8"),
        row("an upgrade to HTTP/2, with a body")
            .sends(
                "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n\
                 Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 5\r\n\r\nhello",
            )
            .gets([200])
            .with_body("hello")
            .see("RFC 9110 §7.8"),
    ]);
}

#[test]
fn requests_before_a_half_close_are_answered() {
    check([
        row("no bytes").sends("").and_half_closes().gets([]).see("RFC 9112 §9.5"),
        row("only blank lines").sends("\r\n\r\n").and_half_closes().gets([]).see("RFC 9112 §9.5"),
        row("a request")
            .sends("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .and_half_closes()
            .gets([200])
            .see("RFC 9112 §9.6"),
        row("two requests")
            .sends(
                "GET / HTTP/1.1\r\nHost: a\r\n\r\n\
                 POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
            )
            .and_half_closes()
            .gets([200, 200])
            .with_body("hello")
            .see("RFC 9112 §9.6"),
        row("a request whose answer is large")
            .sends("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            .and_half_closes()
            .gets([200])
            .see("RFC 9112 §9.6"),
        row("a request that ends the connection")
            .sends("GET / HTTP/1.0\r\n\r\n")
            .and_half_closes()
            .gets([200])
            .and_closes()
            .see("RFC 9112 §9.6"),
        row("a request and a blank line")
            .sends("GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n")
            .and_half_closes()
            .gets([200])
            .see("RFC 9112 §9.6"),
    ]);
}

#[test]
fn a_request_that_a_half_close_cuts_off_is_refused() {
    let cut = |name, bytes: &str, detail| {
        row(name).sends(bytes).and_half_closes().gets_refused(400, detail).see("RFC 9112 §8")
    };
    let (head, body) =
        ("the connection ended inside the head", "the connection ended inside the content");
    check([
        cut("within a blank line", "\r", head),
        cut("within the method", "GE", head),
        cut("within the request line", "GET / HTTP/1.1", head),
        cut("after the request line", "GET / HTTP/1.1\r\n", head),
        cut("within a header", "GET / HTTP/1.1\r\nHost: a", head),
        cut("before the last CRLF", "GET / HTTP/1.1\r\nHost: a\r\n", head),
        cut("within the last CRLF", "GET / HTTP/1.1\r\nHost: a\r\n\r", head),
        cut("before the body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", body),
        cut("within the body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell", body),
        cut(
            "within the body of a stream",
            "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell",
            body,
        ),
        row("within a second request")
            .sends("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTT")
            .and_half_closes()
            .gets([200, 400])
            .with_detail("the connection ended inside the head")
            .and_closes()
            .see("RFC 9112 §8"),
        row("within a body that no handler reads, when the answer is sent already")
            .sends("POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell")
            .and_half_closes()
            .gets([200])
            .and_closes_unsaid()
            .see("RFC 9112 §8"),
    ]);
}
