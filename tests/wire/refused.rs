//! A guard comes before the content: who is refused does not make the server
//! read it, and it never becomes a request.

use super::row::{check, row};

#[test]
fn refuses_who_is_not_let_in() {
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
        asks("an empty field", "Authorization:\r\n", missing).see("RFC 6750 §3"),
        row("a token that is unknown")
            .sends("GET /protected HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer letmeout\r\n\r\n")
            .gets([401])
            .see("RFC 6750 §3.1"),
        row("credentials twice, even if they are good")
            .sends(
                "GET /protected HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer letmein\r\n\
                 Authorization: Bearer letmein\r\n\r\n",
            )
            .gets([400])
            .see("RFC 6750 §3.1, RFC 9110 §5.3"),
        row("a token in the query, where it would end up in logs")
            .sends("GET /protected?access_token=letmein HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([401])
            .see("RFC 6750 §5.3"),
    ]);
}

#[test]
fn lets_in_who_has_a_token() {
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
        row("an encoded path is the same path, behind the same guard")
            .sends("GET /%70rotected HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([401])
            .see("RFC 3986 §6.2.2.2"),
        row("a token and content")
            .sends(
                "POST /protected HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer letmein\r\n\
                 Content-Length: 5\r\n\r\nhello",
            )
            .gets([200])
            .with_body("hello")
            .see("RFC 6750 §2.1"),
        row("a token, content and patience")
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
fn refused_content_is_never_a_request() {
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let posts = |name, headers: &str, body: &str| {
        row(name)
            .sends(format!("POST /protected HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n{body}"))
            .gets([401])
            .see("RFC 9112 §9.3; RUSTSEC-2020-0093")
    };
    check([
        posts("content", "Content-Length: 36", &format!("{smuggled}.")),
        posts("chunks", "Transfer-Encoding: chunked", &format!("24\r\n{smuggled}.\r\n0\r\n\r\n")),
        posts(
            "content that waits for 100 Continue",
            "Expect: 100-continue\r\nContent-Length: 35",
            smuggled,
        )
        .and_closes(),
        posts("more content than is drained", "Content-Length: 65537", &smuggled.repeat(2000))
            .and_closes(),
        posts(
            "chunks that are malformed",
            "Transfer-Encoding: chunked",
            &format!("x\r\n{smuggled}"),
        )
        .and_closes_unsaid(),
        posts(
            "chunks with a line end that is not CRLF",
            "Transfer-Encoding: chunked",
            &format!("0\n\n{smuggled}"),
        )
        .and_closes_unsaid(),
        posts("content that is cut off", "Content-Length: 36", smuggled)
            .and_half_closes()
            .and_closes_unsaid(),
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
        posts("too much content", "Content-Length: 1048577", 413, "the content is too large"),
        posts("an unknown coding", "Transfer-Encoding: gzip", 501, "unknown transfer coding"),
    ]);
}

/// A client that is still sending when the answer comes must be able to read
/// it: a socket that is closed over unread bytes sends a reset, and a reset
/// takes the answer back.
#[test]
fn an_early_answer_is_not_lost_to_a_reset() {
    let megabytes = "x".repeat(3 << 20);
    check([
        row("content that is too large, sent all the same")
            .sends(format!(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3145728\r\n\r\n{megabytes}"
            ))
            .gets_refused(413, "the content is too large")
            .see("RFC 9112 §9.6"),
        row("content that a guard refuses, sent all the same")
            .sends(format!(
                "POST /protected HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n{}",
                &megabytes[..1 << 20]
            ))
            .gets([401])
            .and_closes()
            .see("RFC 9112 §9.6"),
        row("megabytes behind a malformed head")
            .sends(format!("GET / HTTP/1.1\r\nHost: a b\r\n\r\n{megabytes}"))
            .gets_refused(400, "malformed Host field")
            .see("RFC 9112 §9.6"),
        row("megabytes behind a wish to close")
            .sends(format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n{megabytes}"))
            .gets([200])
            .and_closes()
            .see("RFC 9112 §9.6"),
    ]);
}
