//! A guard comes before the body: the body of a refused request never reaches a
//! handler, and never becomes a request.

use super::row::{check, row};

#[test]
fn refuses_a_request_without_valid_credentials() {
    let asks = |name, headers: &str, challenge| {
        row(name)
            .sends(format!("GET /protected HTTP/1.1\r\nHost: a\r\n{headers}\r\n"))
            .gets([401])
            .with_header("WWW-Authenticate", challenge)
    };
    let missing = "Bearer realm=\"guardhouse\"";
    check([
        asks("no credentials", "", missing).see("RFC 6750 §3"),
        asks("another scheme", "Authorization: Basic QW5uOmxldG1laW4=\r\n", missing)
            .see("RFC 6750 §3"),
        asks("an empty header", "Authorization:\r\n", missing).see("RFC 6750 §3"),
        row("an unknown token")
            .sends("GET /protected HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer letmeout\r\n\r\n")
            .gets([401])
            .see("RFC 6750 §3.1"),
        row("valid credentials, twice")
            .sends(
                "GET /protected HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer letmein\r\n\
                 Authorization: Bearer letmein\r\n\r\n",
            )
            .gets([400])
            .see("RFC 6750 §3.1, RFC 9110 §5.3"),
        row("a token in the query, which logs would show")
            .sends("GET /protected?access_token=letmein HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([401])
            .see("RFC 6750 §5.3"),
    ]);
}

#[test]
fn accepts_a_request_with_a_valid_token() {
    check([
        row("a token")
            .sends("GET /protected HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer letmein\r\n\r\n")
            .gets([200])
            .with_body("Hello, Ann.\n")
            .see("RFC 6750 §2.1"),
        row("a scheme in another case")
            .sends("GET /protected HTTP/1.1\r\nHost: a\r\nauthorization: bEARER letmein\r\n\r\n")
            .gets([200])
            .see("RFC 9110 §11.1"),
        row("an encoded path, which has the same guard")
            .sends("GET /%70rotected HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([401])
            .see("RFC 3986 §6.2.2.2"),
        row("a token and a body")
            .sends(
                "POST /protected HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer letmein\r\n\
                 Content-Length: 5\r\n\r\nhello",
            )
            .gets([200])
            .with_body("hello")
            .see("RFC 6750 §2.1"),
        row("a token, and a body that waits for 100 Continue")
            .sends(
                "POST /protected HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer letmein\r\n\
                 Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
            )
            .gets([100, 200])
            .with_body("hello")
            .see("RFC 9110 §10.1.1"),
    ]);
}

#[test]
fn the_body_of_a_refused_request_never_becomes_a_request() {
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let posts = |name, headers: &str, body: &str| {
        row(name)
            .sends(format!("POST /protected HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n{body}"))
            .gets([401])
            .and_closes()
            .see("RFC 9112 §9.3; RUSTSEC-2020-0093")
    };
    check([
        posts("a body", "Content-Length: 36", &format!("{smuggled}.")),
        posts("a body that never comes", "Content-Length: 35", smuggled),
        posts("chunks", "Transfer-Encoding: chunked", &format!("24\r\n{smuggled}.\r\n0\r\n\r\n")),
        posts("chunks that never come", "Transfer-Encoding: chunked", smuggled),
        posts(
            "a body that waits for 100 Continue",
            "Expect: 100-continue\r\nContent-Length: 35",
            smuggled,
        ),
        posts("a body that is too large", "Content-Length: 1048577", smuggled),
        posts("a length of nearly 64 bits", "Content-Length: 18446744073709551615", smuggled),
        posts(
            "chunks that are malformed",
            "Transfer-Encoding: chunked",
            &format!("x\r\n{smuggled}"),
        ),
        posts(
            "chunks with a line end that is not CRLF",
            "Transfer-Encoding: chunked",
            &format!("0\n\n{smuggled}"),
        ),
        posts("a body that is cut off", "Content-Length: 36", smuggled).and_half_closes(),
        row("no body")
            .sends("POST /protected HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            .gets([401])
            .see("RFC 9112 §9.3"),
    ]);
}

#[test]
fn framing_is_checked_before_the_guard() {
    let posts = |name, headers: &str, status, detail| {
        row(name)
            .sends(format!("POST /protected HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\nhello"))
            .gets_refused(status, detail)
            .see("RFC 9112 §6.3")
    };
    check([
        posts(
            "two lengths",
            "Content-Length: 5\r\nContent-Length: 5",
            400,
            "more than one Content-Length field",
        ),
        posts(
            "a length over 64 bits",
            "Content-Length: 18446744073709551616",
            400,
            "malformed Content-Length field",
        ),
        posts("an unknown coding", "Transfer-Encoding: gzip", 501, "unknown transfer coding"),
    ]);
}

/// A client may still be sending when the answer comes. If the server closed the
/// socket before it has read those bytes, the system would send a reset, and the
/// client might lose the answer.
#[test]
fn an_early_answer_is_not_lost_to_a_reset() {
    let megabytes = "x".repeat(3 << 20);
    check([
        row("a body that is too large, which is sent")
            .sends(format!(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3145728\r\n\r\n{megabytes}"
            ))
            .gets_refused(413, "the content is too large")
            .see("RFC 9112 §9.6"),
        row("the body of a refused request, which is sent")
            .sends(format!(
                "POST /protected HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n{}",
                &megabytes[..1 << 20]
            ))
            .gets([401])
            .and_closes()
            .see("RFC 9112 §9.6"),
        row("megabytes after a malformed head")
            .sends(format!("GET / HTTP/1.1\r\nHost: a b\r\n\r\n{megabytes}"))
            .gets_refused(400, "malformed Host field")
            .see("RFC 9112 §9.6"),
        row("megabytes after Connection: close")
            .sends(format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n{megabytes}"))
            .gets([200])
            .and_closes()
            .see("RFC 9112 §9.6"),
    ]);
}
